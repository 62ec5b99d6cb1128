"""Maintenance of the knowledge database in a SQLite file."""

import logging
from datetime import timedelta

from trimtab.infra.storage import DataDirectory, translate_errors
from trimtab.kernel.clock import Clock
from trimtab.knowledge.maintenance.backups import Backup, Backups
from trimtab.knowledge.maintenance.copies import DatabaseCopies
from trimtab.knowledge.maintenance.deletion_proof import DeletionProof, DeletionVerifier
from trimtab.knowledge.maintenance.deletions import Deletion, DeletionLog
from trimtab.knowledge.maintenance.erased_owners import ERASED, ErasedOwners
from trimtab.knowledge.maintenance.restore import Restore, RestoreResult
from trimtab.knowledge.store import DocumentStore
from trimtab.knowledge.store.database import ReopenableDatabase
from trimtab.knowledge.store.integrity import Integrity, integrity_of
from trimtab.knowledge.store.salvage import rebuild_indexes

_log = logging.getLogger(__name__)
# What is checked before the service starts: about 0.3 seconds.
_CHECKED_AT_ONCE = 32 * 1024 * 1024


class SqliteMaintenance:
    """Maintains one file; see `DatabaseMaintenance`.

    Args:
        live: The database.
        data: Its data directory; backups go to ``backups`` in it.
        keep: How long backups are kept.
        clock: Dates them.
    """

    def __init__(
        self, live: ReopenableDatabase, data: DataDirectory, keep: timedelta, clock: Clock
    ) -> None:
        self.database = live
        self.deletions = DeletionLog(data.file("knowledge.deletions"))
        self.erased = ErasedOwners(data.file(ERASED))
        self.backups = Backups(live.file, data.folder("backups"), keep, clock)
        self.copies = DatabaseCopies(self.backups, live.chains, data.file("snapshots"))
        self._restore = Restore(live, self.backups, self.deletions, self.erased, clock)
        self._prover = DeletionVerifier(live, self.backups, self.deletions)

    @property
    def suspect(self) -> bool:
        """Return whether a call met damage since the last check."""
        return self.database.suspect

    @suspect.setter
    def suspect(self, value: bool) -> None:
        self.database.suspect = value

    @property
    def checked_at_once(self) -> bool:
        """Return whether a check is quick enough for a start."""
        return self.size_bytes() <= _CHECKED_AT_ONCE

    def installation(self) -> str:
        """Return nothing: saved indexes and the file are in one directory."""
        return ""

    def size_bytes(self) -> int:
        """Return the size of the file, without its log."""
        return self.database.file.stat().st_size

    def finish_deletions(self) -> int:
        """Complete deletions that a crash interrupted; return their number."""
        self._restore.clear()
        self._mend_deletions()
        last = self.deletions.all()[-1000:]
        pending = [(found.document_id, found.at) for found in last]
        return DocumentStore(self.database).apply_deletions(pending) if pending else 0

    def new_deletions(self) -> frozenset[str]:
        """Return nothing: no other process deletes."""
        return frozenset()

    def check(self) -> Integrity:
        """Check every page, index, reference and row; takes about a second for each GB."""
        found = integrity_of(self.database.file)
        if found.ok:
            self._mend_deletions()
        self.database.suspect = False
        return found

    def rebuild_indexes(self) -> None:
        """Rebuild every index from its rows and vacuum the file, with exclusive access."""
        with translate_errors(self.database.file), self.database.alone() as connection:
            rebuild_indexes(connection)

    def purge(self) -> None:
        """Remove words of deleted passages from the full-text index, and empty the log."""
        with translate_errors(self.database.file), self.database.alone() as connection:
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("INSERT INTO chunks_fts(chunks_fts) VALUES('optimize')")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def take_backup(self) -> Backup:
        """Take a backup; see `Backups.take`."""
        with translate_errors(self.database.file):
            return self.backups.take()

    def restore(self, backup: str, *, dry_run: bool) -> RestoreResult:
        """Go back to a backup; see `Restore.from_backup`."""
        with translate_errors(self.database.file):
            return self._restore.from_backup(backup, dry_run=dry_run)

    def recover(self, *, dry_run: bool) -> RestoreResult:
        """Put what can be read of the damaged file together with the newest good backup."""
        with translate_errors(self.database.file):
            return self._restore.from_what_is_left(dry_run=dry_run)

    def prove(self, held_document_ids: set[str], dead_in_indexes: int) -> DeletionProof:
        """Look through the file, its log and the backups byte by byte."""
        return self._prover.prove(held_document_ids, dead_in_indexes)

    def _mend_deletions(self) -> None:
        known = (
            Deletion(document, at) for document, at in DocumentStore(self.database).deletions()
        )
        if damaged := self.deletions.mend(known):
            _log.warning(
                "%s had unfinished or damaged lines; it was rewritten from the database's records",
                self.deletions.file.name,
                extra={"lines": damaged},
            )
