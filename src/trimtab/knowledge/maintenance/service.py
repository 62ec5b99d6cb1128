"""Everything that keeps the data well, in one place."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

import psutil

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.erasable_cache import clear_all
from trimtab.kernel.errors import StorageFull
from trimtab.kernel.events import Event
from trimtab.knowledge.context import KnowledgeContext
from trimtab.knowledge.errors import NoDiskBudget
from trimtab.knowledge.maintenance.allocations import GrowthProfile
from trimtab.knowledge.maintenance.backups import Backup
from trimtab.knowledge.maintenance.cleanup import Cleanup, CleanupResult
from trimtab.knowledge.maintenance.cpu import CpuUsage
from trimtab.knowledge.maintenance.deletion_proof import DeletionProof
from trimtab.knowledge.maintenance.deletions import Deletion
from trimtab.knowledge.maintenance.memory import MemoryUsage
from trimtab.knowledge.maintenance.memory_report import MemoryReport
from trimtab.knowledge.maintenance.port import DatabaseMaintenance
from trimtab.knowledge.maintenance.restore import RestoreResult
from trimtab.knowledge.maintenance.space import free_bytes
from trimtab.knowledge.parsing import Parser
from trimtab.knowledge.store import UsageStore
from trimtab.knowledge.store.integrity import Damage, Integrity

_log = logging.getLogger(__name__)
# Deletions are remembered at least this long, and as long as there is an older backup.
_REMEMBER = timedelta(days=30)
_MB = 1024 * 1024
# The schedule checks every 30 minutes; the heartbeat makes up for a check missed by a minute.
_LATE_SECONDS = 31 * 60.0


@dataclass(frozen=True, slots=True)
class DerivedData:
    """Functions that drop what caches and indexes keep of the database."""

    forget_all: Callable[[], object]
    """Drops everything in memory that was read from a replaced database."""
    purge: Callable[[], object]
    """Drops the indexes that held passages deleted meanwhile."""


class Maintenance:
    """Backups, checks, repair, restore, clean-up and proof of deletion for one database.

    Args:
        engine: The database, and what its engine lets do with it.
        data: The data directory.
        settings: Retention and floors.
        context: Its clock and events; publishes ``knowledge.integrity_failed`` and
            ``knowledge.restored``.
        derived: Dropped when the database is replaced or purged.
        parser: Its process is measured.
    """

    def __init__(
        self,
        engine: DatabaseMaintenance,
        data: DataDirectory,
        settings: KnowledgeSettings,
        context: KnowledgeContext,
        derived: DerivedData,
        parser: Parser,
    ) -> None:
        self._parser = parser
        self._engine = engine
        self._name, self.folder = engine.database.name, data.path
        self._clock = clock = context.clock
        self._events = context.events
        self.derived = derived
        self._profile_seconds = settings.memory_profile_seconds if settings.memory_profiling else 0
        self._profiled_at = clock.monotonic()
        self._checked_at = clock.monotonic()
        self._purged: frozenset[tuple[str, datetime]] | None = None
        """The deletions at the last purge; None before the first."""
        self.deletions, self.erased = engine.deletions, engine.erased
        self.backups, self.copies = engine.backups, engine.copies
        self.disk = Cleanup(data.path, self.backups, settings, clock)
        self.memory = MemoryUsage(clock, settings.memory_limit_mb)
        self.growth = GrowthProfile(clock, data.file("memory_profile.txt"))
        self.memory_report = MemoryReport(clock, data.path, self.memory)
        self.processor = CpuUsage(context.clock)
        self.integrity = Integrity(Damage.NONE)
        """What the last check found."""
        self._tuning = UsageStore(engine.database)
        self.disk.budget_bytes = self._tuning.tuned().get("disk_budget_mb", 0) * _MB
        self.freed_bytes: int | None = None
        """Disk space freed by the last clean-up since the start; None before the first."""
        self.restored: RestoreResult | None = None
        """What the last restore since the start did; None when there was none."""
        self.finish_deletions()

    def finish_deletions(self) -> int:
        """Complete deletions that a crash interrupted; return their number."""
        return self._engine.finish_deletions()

    def deleting(self, witnesses: list[tuple[str, str]]) -> AbstractContextManager[None]:
        """Return a context for deleting these documents, given with one passage's id each."""
        at = self._clock.now()
        return self.deletions.record(Deletion(document, at, chunk) for document, chunk in witnesses)

    def now(self) -> datetime:
        """Return the time by which erasures are dated."""
        return self._clock.now()

    def new_deletions(self) -> frozenset[str]:
        """Return the documents that other processes may have deleted since the last call."""
        return self._engine.new_deletions()

    def check_at_start(self) -> None:
        """Check a small database now, and let the first heartbeat check a large one."""
        if self._engine.checked_at_once:
            self.check()
        else:
            self._engine.suspect = True

    def size_bytes(self) -> int:
        """Return the size of the database."""
        return self._engine.size_bytes()

    def check(self) -> Integrity:
        """Check the live database now; takes about a second for each GB."""
        self._checked_at = self._clock.monotonic()
        self.integrity = found = self._engine.check()
        if not found.ok:
            _log.error(
                "ALERT: Database integrity check failed: %s",
                found.problems[0],
                extra={"error_type": "DatabaseError", "damage": found.damage.value},
            )
            self._tell("knowledge.integrity_failed", {"damage": found.damage.value})
        return found

    def repair_indexes(self) -> Integrity:
        """Rebuild every index from its rows and vacuum the file, with exclusive access."""
        self._engine.rebuild_indexes()
        self.derived.forget_all()  # What was read by way of a damaged index may lack something.
        return self.check()

    def backup(self) -> Backup:
        """Take a backup; see `Backups.take`. Purges deleted data first."""
        self.purge()
        return self._engine.take_backup()

    def purge(self) -> bool:
        """Remove words of deleted passages from the full-text index; return whether needed."""
        # Not their number: as many may have come since then as were forgotten.
        deleted = frozenset((found.document_id, found.at) for found in self.deletions.all())
        if self._purged is not None and deleted <= self._purged:
            return False
        self._engine.purge()
        self.derived.purge()
        clear_all()
        self._purged = deleted
        return True

    def restore(self, backup: str = "", *, dry_run: bool = False) -> RestoreResult:
        """Restore a backup, by default the newest good one; deletions since then are kept.

        A dry run changes nothing and says what would be lost.
        """
        done = self._engine.restore(backup, dry_run=dry_run)
        return done if dry_run else self._finish_restore(done)

    def recover(self, *, dry_run: bool = False) -> RestoreResult:
        """Put what can be read of the damaged file together with the newest good backup."""
        done = self._engine.recover(dry_run=dry_run)
        return done if dry_run else self._finish_restore(done)

    def verify(self, held_document_ids: set[str], dead_in_indexes: int) -> DeletionProof:
        """Prove that every deletion holds everywhere.

        Args:
            held_document_ids: Documents of which something is in a cache now.
            dead_in_indexes: Passages that an index holds and the database has not.
        """
        self.purge()
        return self._engine.prove(held_document_ids, dead_in_indexes)

    def clean_up(self) -> CleanupResult:
        """Free disk space; see `Cleanup.run`. Works on a full disk."""
        done = self.disk.run()
        self.freed_bytes = done.measured_bytes
        self._forget_old_deletions()
        _log.info(
            "%s",
            done.report,
            extra={"freed_bytes": done.measured_bytes, "by_kind": done.freed_bytes},
        )
        return done

    def _forget_old_deletions(self) -> None:
        oldest = [backup.at for backup in self.backups.list()][-1:]
        needed = min([self._clock.now() - _REMEMBER, *oldest])
        try:
            self.deletions.forget_before(needed)
            self.erased.forget_before(needed)
        except StorageFull:
            # The list is written again as a whole; on a full disk it stays longer than it has to.
            _log.warning("the list of deletions was not shortened: the disk is full")

    def beat(self) -> None:
        """Measure memory, CPU and disk; check a suspect or overdue database."""
        self.memory.look()
        self.processor.look()
        self._profile_when_due()
        self.disk.look()
        late = self._clock.monotonic() - self._checked_at > _LATE_SECONDS
        if self._engine.suspect or late:
            self.check()

    def _profile_when_due(self) -> None:
        now = self._clock.monotonic()
        if self._profile_seconds and now - self._profiled_at >= self._profile_seconds:
            self._profiled_at = now
            self.memory.log_profile()

    def parser_mb(self) -> float:
        """Return the resident memory of the parser's process."""
        pid = self._parser.worker_pid
        try:
            return 0.0 if pid is None else psutil.Process(pid).memory_info().rss / _MB
        except psutil.Error:
            return 0.0

    def set_disk_budget(self, megabytes: int) -> int:
        """Let the data directory use so much, 0 for the whole disk; return the former budget."""
        before = self.disk.budget_bytes // _MB
        self._tuning.tune({"disk_budget_mb": megabytes})
        self.disk.budget_bytes = megabytes * _MB
        return before

    def doubled_budget_mb(self) -> int:
        """Return twice the budget, or all that the data directory has and the disk has free, in MB.

        Raises:
            NoDiskBudget: There is none to double, or no free disk space to double it with.
        """
        budget = self.disk.budget_bytes // _MB
        if not budget:
            raise NoDiskBudget("The data directory has no budget: it may use the whole disk.")
        possible = (self.disk.data_bytes() + free_bytes(self.folder)) // _MB
        if possible <= budget:
            raise NoDiskBudget(f"The disk has no space for more than the budget of {budget} MB.")
        return min(2 * budget, possible)

    def _finish_restore(self, done: RestoreResult) -> RestoreResult:
        self.restored = done
        self.derived.forget_all()
        self.check()
        self._tell("knowledge.restored", done.as_dict())
        return done

    def _tell(self, name: str, facts: dict[str, object]) -> None:
        self._events.publish(Event(name, self._clock.now(), self._name, facts))
