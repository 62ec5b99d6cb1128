"""Brings the database back: from a backup, or from what can be read put together with one."""

import contextlib
import logging
import math
import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from trimtab.infra.storage import SqliteDatabase
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import Corrupt, TrimtabError
from trimtab.knowledge.errors import NoGoodBackup
from trimtab.knowledge.maintenance.backups import Backup, Backups, copy_database
from trimtab.knowledge.maintenance.copies import erase_owners, rewrite_bytes
from trimtab.knowledge.maintenance.deletions import Deletions
from trimtab.knowledge.maintenance.erased_owners import Erased
from trimtab.knowledge.store.database import consolidate_file, put_in_place
from trimtab.knowledge.store.documents import DocumentStore
from trimtab.knowledge.store.integrity import Damage, integrity_of
from trimtab.knowledge.store.projects import ProjectStore
from trimtab.knowledge.store.salvage import lost_documents, merge, rebuild_indexes, salvage

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """Result of a restore, and what was lost."""

    source: str
    """The backup's file name; ``recovery`` when there was none."""
    documents: int
    recovered: int
    """Documents read from the damaged file that the backup lacked or had in an older version."""
    kept_as: str
    """Where the former file is kept; empty after a dry run."""
    lost: int | None
    """Documents of the damaged file that are gone or older now; None if that is unknown."""
    lost_from: str
    """When the first of them was created; with None: when the backup was made."""
    lost_to: str
    deletions_applied: int

    @property
    def lost_ratio(self) -> float:
        """Share of the damaged file's documents that are gone, 0 to 1; NaN when that is unknown."""
        if self.lost is None:
            return math.nan
        return self.lost / max(1, self.lost + self.documents)

    def as_dict(self) -> dict[str, object]:
        """Return it JSON-ready, with the contract's words for the loss."""
        lost = "unknown" if self.lost is None else str(self.lost)
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "report": f"Documents lost: {lost}",
        }


class Replaceable(Protocol):
    """A database whose file can be replaced."""

    @property
    def file(self) -> Path:
        """The database to replace."""
        ...

    @property
    def chains(self) -> tuple[str, ...]:
        """The domains whose tables it holds."""
        ...

    def replace(self, fresh: Path, keep_as: Path) -> None:
        """Replace the file by ``fresh`` and keep the former one; both in the same folder."""
        ...


@dataclass(frozen=True, slots=True)
class ClosedDatabase:
    """A closed database, for one that is too damaged to be opened."""

    file: Path
    chains: tuple[str, ...]

    def replace(self, fresh: Path, keep_as: Path) -> None:
        """Replace the file; see `Replaceable`."""
        put_in_place(self.file, fresh, keep_as)


class Restore:
    """Builds a new database next to the live one, checks it, and only then replaces it."""

    def __init__(
        self,
        live: Replaceable,
        backups: Backups,
        deletions: Deletions,
        erased: Erased,
        clock: Clock,
    ) -> None:
        self._live = live
        self._backups = backups
        self._deletions = deletions
        self._erased = erased
        self._clock = clock

    def from_backup(self, name: str = "", *, dry_run: bool = False) -> RestoreResult:
        """Go back to a backup, by default the newest that passes its check.

        A dry run builds and checks the new database too, reports what would be lost, and drops it.

        Raises:
            NoGoodBackup: There is none, or the named one is missing or damaged. Nothing changed.
        """
        backup = self._choose_backup(name)
        fresh = self._beside("restoring")
        copy_database(backup.path, fresh)
        return self._put_in_place(fresh, backup, recovered=0, dry_run=dry_run)

    def from_what_is_left(self, *, dry_run: bool = False) -> RestoreResult:
        """Salvage the live file, and add it to the newest good backup, if there is one."""
        readable, fresh = self._beside("recovery"), self._beside("restoring")
        backup = self._backups.newest_good()
        try:
            for file in (readable, fresh):
                SqliteDatabase(file, self._live.chains).close()
            salvage(self._live.file, readable)
            source = None if backup is None else self._migrated(backup.path)
            merged = merge(source, readable, fresh)
        finally:
            self._remove("recovery", "migrated")
        return self._put_in_place(fresh, backup, recovered=merged.from_recovery, dry_run=dry_run)

    def from_files(self, backup: Path, recovery: Path) -> RestoreResult:
        """Merge a backup with a recovered database, taking the newer version of each document."""
        fresh = self._beside("restoring")
        try:
            SqliteDatabase(fresh, self._live.chains).close()
            merged = merge(self._migrated(backup), self._migrated(recovery, "recovery"), fresh)
        finally:
            self._remove("recovery", "migrated")
        source = Backup(backup, self._clock.now(), backup.stat().st_size)
        return self._put_in_place(fresh, source, recovered=merged.from_recovery, dry_run=False)

    def _choose_backup(self, name: str) -> Backup:
        if not name:
            found = self._backups.newest_good()
        else:
            found = next((entry for entry in self._backups.list() if entry.path.name == name), None)
            if found is not None and not integrity_of(found.path, full_text=False).ok:
                found = None
        if found is None:
            raise NoGoodBackup("No backup passes its check." if not name else f"{name} is damaged.")
        return found

    def _put_in_place(
        self, fresh: Path, backup: Backup | None, *, recovered: int, dry_run: bool
    ) -> RestoreResult:
        applied, count = self._prepare(fresh)
        lost, first, last = self._loss(fresh, backup)
        kept = self._live.file.with_name(f"corrupted_{self._clock.now():%Y%m%d_%H%M%S}.db")
        source = "recovery" if backup is None else backup.path.name
        done = RestoreResult(source, count, recovered, kept.name, lost, first, last, applied)
        if dry_run:
            self._remove("restoring")
            return replace(done, kept_as="")
        self._live.replace(fresh, kept)
        self._remove("restoring")  # The files of the unfinished database.
        _log.warning("knowledge database restored", extra={"source": source, "lost": lost})
        return done

    def _prepare(self, fresh: Path) -> tuple[int, int]:
        """Migrate, erase, apply deletions and check the new file; return both counts."""
        database = SqliteDatabase(fresh, self._live.chains)
        try:
            documents = DocumentStore(database)
            applied = documents.apply_deletions(
                [(found.document_id, found.at) for found in self._deletions.all()]
            )
            ProjectStore(database).move_versions_on(int(self._clock.now().timestamp()))
            count = sum(documents.counts().values())
        finally:
            database.close()
        consolidate_file(fresh)
        count -= self._without_the_erased(fresh, deleted=applied)
        found = integrity_of(fresh)
        if found.damage is Damage.INDEX:
            # A backup's check reads its rows; its indexes are made from them.
            _rebuild_indexes(fresh)
            found = integrity_of(fresh)
        if not found.ok:
            self._remove("restoring")
            raise Corrupt(f"The restored database failed its check: {found.problems[0]}.")
        return applied, count

    def _without_the_erased(self, fresh: Path, deleted: int) -> int:
        """Erase people from the new file: no document, query or byte of theirs comes back."""
        erased = self._erased.all()
        if erased:
            before = _documents_in(fresh)
            erase_owners(
                fresh, self._live.chains, lambda owner: any(item.matches(owner) for item in erased)
            )
            return before - _documents_in(fresh)
        if deleted:
            rewrite_bytes(fresh)
        return 0

    def clear(self) -> None:
        """Remove leftovers of an interrupted restore next to the database."""
        self._remove("recovery", "migrated", "restoring")

    def _loss(self, fresh: Path, backup: Backup | None) -> tuple[int | None, str, str]:
        try:
            return lost_documents(self._live.file, fresh)
        except (TrimtabError, OSError):
            raise
        except Exception:  # noqa: BLE001 - a damaged file may fail in any way.
            since: datetime | None = backup.at if backup else None
            return None, since.isoformat() if since else "", self._clock.now().isoformat()

    def _migrated(self, file: Path, name: str = "migrated") -> Path:
        copy = self._beside(name)
        copy_database(file, copy)
        SqliteDatabase(copy, self._live.chains).close()
        return copy

    def _beside(self, what: str) -> Path:
        self._remove(what)
        return self._live.file.with_name(f"{self._live.file.name}.{what}")

    def _remove(self, *what: str) -> None:
        for name in what:
            for ending in ("", "-wal", "-shm", "-journal", "-commits"):
                path = self._live.file.with_name(f"{self._live.file.name}.{name}{ending}")
                path.unlink(missing_ok=True)


def _documents_in(file: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM documents").fetchone()[0])


def _rebuild_indexes(file: Path) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        rebuild_indexes(connection)
    finally:
        connection.close()
    consolidate_file(file)
