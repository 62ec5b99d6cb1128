"""Maintenance of the knowledge database on PostgreSQL.

Backups are SQLite files of the same tables, so that they are checked, searched, cleaned of people
and put together as those of a SQLite installation are. PostgreSQL's own backups, its write-ahead
log and its standbys are the operator's: nothing here reads or changes them.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from trimtab.infra.storage import Database, DataDirectory
from trimtab.kernel.clock import Clock
from trimtab.knowledge.maintenance.backups import Backup, Backups
from trimtab.knowledge.maintenance.copies import DatabaseCopies
from trimtab.knowledge.maintenance.deletion_proof import DeletionProof, remains_in_backups
from trimtab.knowledge.maintenance.kept import KeptDeletions, KeptErasedOwners, installation_id
from trimtab.knowledge.maintenance.restore import Restore, RestoreResult
from trimtab.knowledge.store.database import DATABASE
from trimtab.knowledge.store.integrity import Damage, Integrity
from trimtab.knowledge.store.postgres_copy import export_database, import_database
from trimtab.knowledge.store.postgres_integrity import (
    checksum_failures,
    integrity_of_tables,
    rebuild_derived,
)
from trimtab.knowledge.store.tables import documents

_log = logging.getLogger(__name__)
_SIZE = sa.text(
    "SELECT coalesce(sum(pg_total_relation_size(format('%I.%I', schemaname, tablename))), 0)"
    " FROM pg_tables WHERE schemaname IN ('knowledge', 'knowledge_kept')"
)


class PostgresMaintenance:
    """Maintains the tables of one database; see `DatabaseMaintenance`.

    Args:
        database: On PostgreSQL.
        data: Backups go to ``backups`` in it.
        keep: How long backups are kept.
        clock: Dates them.
    """

    def __init__(
        self, database: Database, data: DataDirectory, keep: timedelta, clock: Clock
    ) -> None:
        self.database = database
        self._data = data
        self._clock = clock
        self.suspect = False
        self.deletions = KeptDeletions(database)
        self.erased = KeptErasedOwners(database)
        file = data.file(DATABASE)
        self.backups = Backups(file, data.folder("backups"), keep, clock, self._export)
        self.copies = DatabaseCopies(self.backups, database.chains, data.file("snapshots"))
        self._failures = checksum_failures(database)
        self._number = self.deletions.last_number()

    @property
    def checked_at_once(self) -> bool:
        """Return False: a start does not read the whole database through a connection."""
        return False

    def installation(self) -> str:
        """Return the id of the database, which is not in the data directory."""
        return installation_id(self.database)

    def size_bytes(self) -> int:
        """Return the size of the tables with their indexes."""
        with self.database.read() as connection:
            return int(connection.scalar(_SIZE) or 0)

    def finish_deletions(self) -> int:
        """Return 0: a deletion and its record are one transaction."""
        return 0

    def new_deletions(self) -> frozenset[str]:
        """Return the documents deleted since the last call, by any process."""
        self._number, found = self.deletions.since(self._number)
        return frozenset(each.document_id for each in found)

    def check(self) -> Integrity:
        """Check the seals of all rows, and whether PostgreSQL met damaged pages."""
        found = integrity_of_tables(self.database)
        failures = checksum_failures(self.database)
        self.suspect = False
        if failures > self._failures:
            more, self._failures = failures - self._failures, failures
            text = f"PostgreSQL met {more} damaged pages: check the disk of the server"
            return Integrity(Damage.TABLE, (*found.problems, text))
        return found

    def rebuild_indexes(self) -> None:
        """Make derived rows again from their passages, and vacuum."""
        rebuild_derived(self.database)
        self.database.scrub()

    def purge(self) -> None:
        """Remove deleted rows from the tables."""
        self.database.scrub()

    def take_backup(self) -> Backup:
        """Take a backup; see `Backups.take`."""
        return self.backups.take()

    def restore(self, backup: str, *, dry_run: bool) -> RestoreResult:
        """Go back to a backup; see `Restore.from_backup`."""
        with self._restoring() as restore:
            return restore.from_backup(backup, dry_run=dry_run)

    def recover(self, *, dry_run: bool) -> RestoreResult:
        """Put what can be read together with the newest good backup."""
        with self._restoring() as restore:
            return restore.from_what_is_left(dry_run=dry_run)

    def prove(self, held_document_ids: set[str], dead_in_indexes: int) -> DeletionProof:
        """Look through the tables and the backups; PostgreSQL's own files cannot be read."""
        deleted = self.deletions.all()
        violations = []
        with self.database.read() as connection:
            for found in deleted:
                row = connection.execute(
                    sa.select(documents.c.updated_at).where(documents.c.id == found.document_id)
                ).first()
                if row is not None and row.updated_at <= found.at.isoformat():
                    violations.append(f"{self.database.name}: row of {found.document_id}")
                if row is None and found.document_id in held_document_ids:
                    violations.append(f"cache: {found.document_id}")
        if dead_in_indexes:
            violations.append(f"index: {dead_in_indexes} passages that no longer exist")
        names, remains = remains_in_backups(self.backups, deleted)
        return DeletionProof(len(deleted), names, tuple(sorted([*violations, *remains])))

    @contextmanager
    def _restoring(self) -> Iterator[Restore]:
        """Provide a restore that works on a copy of the tables, and put its result into them."""
        file = self._data.file(f"{DATABASE}.export-{os.getpid()}")
        try:
            live = _ExportedDatabase(self.database, file)
            yield Restore(live, self.backups, self.deletions, self.erased, self._clock)
        finally:
            for leftover in file.parent.glob(f"{file.name}*"):
                leftover.unlink(missing_ok=True)

    def _export(self, target: Path) -> None:
        export_database(self.database, target)


class _ExportedDatabase:
    """The tables as a file, for `Restore`; what replaces the file replaces the tables."""

    def __init__(self, database: Database, file: Path) -> None:
        self._database = database
        self.file = file
        self.chains = database.chains
        file.unlink(missing_ok=True)
        self._seen = export_database(database, file, lenient=True)

    def replace(self, fresh: Path, keep_as: Path) -> None:
        """Import ``fresh``, and keep what the tables held before."""
        import_database(self._database, fresh, self._seen)
        self.file.replace(keep_as)
