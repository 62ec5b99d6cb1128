"""Actions on the dump of the Valkey server, and its daily schedule."""

import logging
from collections.abc import Iterable
from pathlib import Path

from trimtab.infra.background import PeriodicTask
from trimtab.infra.settings.sections.service import ServiceSettings
from trimtab.infra.valkey.dump_copies import DumpCopies
from trimtab.infra.valkey.dumps import BEFORE, FILE, KeysRestored, ValkeyDumps, ValkeyProgramMissing
from trimtab.infra.valkey.server import Valkey
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import Misconfigured
from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
    Sample,
    Signal,
)

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 900.0
_LIMIT_SECONDS = 3600.0
BACKUP_TASK = "dump Valkey"
_FILE = Param("file", "string", "The dump, such as redis_backup_2026_03_14.rdb.", FILE)


class ValkeyNotConfigured(Misconfigured):
    """No Valkey server is configured."""

    code = "valkey.not_configured"
    default_hint = "Set `service.valkey_url`, then start again."


class ValkeyBackups:
    """Dumps of the configured server, with their actions, signal and schedule.

    Args:
        valkey: The server; None without a configured one.
        settings: Name folder, programs and interval.
        data: The data directory.
        copies: Where each dump is copied to; None for nowhere.
    """

    def __init__(
        self,
        valkey: Valkey | None,
        settings: ServiceSettings,
        data: Path,
        copies: DumpCopies | None = None,
    ) -> None:
        folder = settings.valkey_backup_folder
        place = Path(folder) if folder else data / "backups" / "valkey"
        programs = settings.valkey_programs
        self._dumps = None if valkey is None else ValkeyDumps(valkey, place, programs, copies)
        self._seconds = settings.valkey_backup_hours * 3600
        self._warned = False

    @property
    def dumps(self) -> ValkeyDumps:
        """The dumps; raises `ValkeyNotConfigured` without a server."""
        if self._dumps is None:
            raise ValkeyNotConfigured("No Valkey server is configured.")
        return self._dumps

    def task(self, clock: Clock) -> PeriodicTask | None:
        """Return the task that dumps the server when it is due; None when nothing is to be done."""
        if self._dumps is None or not self._seconds:
            return None
        return PeriodicTask(BACKUP_TASK, self.take_if_due, _LOOK_SECONDS, clock)

    def take_if_due(self) -> bool:
        """Dump the server unless the newest dump is young enough; return whether it was dumped.

        Raises:
            ObjectsUnavailable: The dump cannot be copied; the next round tries again.
        """
        age = self.dumps.age_seconds()
        if age is not None and age < self._seconds:
            self.dumps.copy()
            return False
        try:
            self.dumps.program()
        except ValkeyProgramMissing as error:
            # trimtab uses the server without the program, so its absence is not a failure.
            if not self._warned:
                _log.warning("%s %s", error.message, error.hint())
            self._warned = True
            return False
        self.dumps.take()
        self.dumps.copy()
        return True

    def ages(self) -> Iterable[Sample]:
        """Return the age of the newest dump and of the newest copy; no sample without one."""
        if self._dumps is None:
            return
        if (age := self._dumps.age_seconds()) is not None:
            yield Sample(age, {"place": "folder"})
        if (age := self._dumps.copy_age_seconds()) is not None:
            yield Sample(age, {"place": "copies"})

    def signal(self) -> Signal:
        """Return the signal of the newest dump's age."""
        return Signal(
            "service.valkey.backup.age",
            "seconds",
            "Age of the newest dump of the Valkey server, in the folder and among the copies.",
            self.ages,
            ("place",),
            "redis_backup_age_seconds",
        )

    def actions(self) -> tuple[Action, ...]:
        """Return the actions on dumps."""
        return self._take(), self._restore()

    def _take(self) -> Action:
        def dry_run(_given: Arguments, _: ActionContext) -> ActionResult:
            dumps = self.dumps
            dumps.program()
            age = dumps.age_seconds()
            former = "no dump there" if age is None else f"one that is {age / 3600:.1f} hours old"
            text = f"The Valkey server would be dumped to {dumps.file.name}; there is {former}."
            return ActionResult(text)

        def run(_given: Arguments, _: ActionContext) -> ActionResult:
            count, size = self.dumps.take(), self.dumps.file.stat().st_size
            copied = self.dumps.copy()
            place = " It was copied to where PostgreSQL's dumps are copied." if copied else ""
            text = f"Dumped {count} keys of the Valkey server to {FILE}, {size} bytes.{place}"
            facts = {"file": FILE, "keys": count, "bytes": size, "copied": copied}
            return ActionResult(text, facts)

        return Action(
            "service.valkey.backup",
            "Dump the keys of the Valkey server to redis_backup.rdb.",
            Risk.AUTOMATIC,
            run,
            dry_run,
            no_undo_because="a dump changes no data; a complete one replaces the former",
            effect=Effect.REPEATABLE,
            limit_seconds=_LIMIT_SECONDS,
        )

    def _restore(self) -> Action:
        def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
            file = str(given["file"])
            found = self.dumps.compare(file)
            text = f"{_count(found)} would be: the server would hold the keys of {file} alone."
            return ActionResult(text, _facts(found))

        def run(given: Arguments, context: ActionContext) -> ActionResult:
            file = str(given["file"])
            dumps, before = self.dumps, f"{context.idempotency_key}\n"
            mark = dumps.folder / f"{BEFORE}.act"
            # A run that is repeated after a crash must not keep the half-restored state.
            if not mark.is_file() or mark.read_text("utf-8") != before:
                dumps.take(BEFORE)
                mark.write_text(before, "utf-8")
            found = dumps.restore(file)
            text = f"{_count(found)}: the server holds the keys of {file}; {BEFORE} has the former."
            return ActionResult(text, _facts(found), {"file": BEFORE})

        def undo(given: Arguments, _: ActionContext) -> ActionResult:
            found = self.dumps.restore(str(given["file"]))
            return ActionResult(f"{_count(found)}: the server holds what it held before.")

        return Action(
            "service.valkey.restore",
            "Restore the keys of the Valkey server from redis_backup.rdb.",
            Risk.APPROVAL,
            run,
            dry_run,
            (_FILE,),
            undo=undo,
            effect=Effect.REVERSIBLE,
            limit_seconds=_LIMIT_SECONDS,
        )


def _count(found: KeysRestored) -> str:
    return f"{found.written} keys written and {found.deleted} deleted"


def _facts(found: KeysRestored) -> dict[str, object]:
    return {"written": found.written, "deleted": found.deleted}
