"""Copies of the database and what they hold of a person: backups, set-aside files, snapshots."""

import contextlib
import logging
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from trimtab.infra.storage import SqliteDatabase, translate_errors
from trimtab.kernel.errors import Corrupt
from trimtab.knowledge.maintenance.backups import Backup, Backups
from trimtab.knowledge.store.database import consolidate_file, sync_folder
from trimtab.knowledge.store.documents import DocumentStore
from trimtab.knowledge.store.integrity import UNREADABLE, integrity_of
from trimtab.knowledge.store.owners import OwnerStore

_log = logging.getLogger(__name__)
_OWNS = "SELECT count(*) FROM metadata WHERE name IN ('owner', 'former_owner') AND value = ?"
_QUERIES = "SELECT count(*) FROM frequent_queries"


class DatabaseCopies:
    """Finds and erases a person in every copy of the database in the data directory.

    Args:
        backups: Where backups and set-aside files are.
        chains: The domains whose tables the database holds.
        snapshots: The folder of index snapshots.
    """

    def __init__(self, backups: Backups, chains: tuple[str, ...], snapshots: Path) -> None:
        self._backups = backups
        self._chains = chains
        self._snapshots = snapshots

    def holding(self, owner: str) -> int:
        """Return how many files hold, or may hold, something of the person."""
        named = sum(1 for backup in self._backups.list() if _count(backup.path, _OWNS, owner) != 0)
        return named + len(self._unsearchable())

    def erase(self, owner: str) -> int:
        """Erase a person from backups and remove unsearchable files; count the changed files.

        Frequent queries are removed from every backup, since they carry no user id. A backup that
        cannot be read is removed: no restore would use it, and its bytes may hold the data.

        Raises:
            StorageFull: A backup cannot be rewritten for want of space; it is as it was.
        """
        changed = 0
        for file in self._unsearchable():
            _log.info("removed by an erasure", extra={"file": file.name})
            file.unlink(missing_ok=True)
            changed += 1
        for backup in self._backups.list():
            owned, asked = _count(backup.path, _OWNS, owner), _count(backup.path, _QUERIES)
            if owned != 0 or asked != 0:
                self._rewrite(backup, owner)
                changed += 1
        return changed

    def _unsearchable(self) -> list[Path]:
        """Return files that cannot be searched completely: damaged, truncated, or an index."""
        snapshots = self._snapshots.glob("*") if self._snapshots.is_dir() else ()
        return [
            *self._backups.set_aside(),
            *self._backups.partials(),
            *(file for file in sorted(snapshots) if file.is_file()),
        ]

    def _rewrite(self, backup: Backup, owner: str) -> None:
        partial = backup.path.with_name(f"{backup.path.name}.partial")
        try:
            with translate_errors(backup.path):
                shutil.copy2(backup.path, partial)
                erase_owners(partial, self._chains, lambda name: name == owner)
                if not integrity_of(partial, full_text=False).ok:
                    raise Corrupt(f"{backup.path.name} failed its check.")
                partial.replace(backup.path)
                sync_folder(backup.path.parent)
        except (Corrupt, *UNREADABLE) as error:
            _log.warning(
                "a damaged backup was removed by an erasure",
                extra={"file": backup.path.name, "reason": str(error)},
            )
            backup.path.unlink(missing_ok=True)
        finally:
            for leftover in backup.path.parent.glob(f"{partial.name}*"):
                leftover.unlink(missing_ok=True)


def erase_owners(file: Path, chains: tuple[str, ...], erased: Callable[[str], bool]) -> int:
    """Erase people from a closed database, including the deleted bytes; count the people.

    Their own documents are deleted; shared ones stay, without their names. Frequent queries are
    deleted, since they carry no user id.
    """
    database = SqliteDatabase(file, chains)
    try:
        owners = OwnerStore(database)
        people = [owner for owner in owners.names() if erased(owner)]
        for owner in people:
            own = [found.document_id for found in owners.of(owner) if not found.shared]
            DocumentStore(database).drop(own)
            for found in owners.of(owner):
                owners.leave(found.document_id, owner)
            owners.forget_former(owner)
        with database.write() as connection:
            connection.exec_driver_sql("DELETE FROM frequent_queries")
    finally:
        database.close()
    rewrite_bytes(file)
    return len(people)


def rewrite_bytes(file: Path) -> None:
    """Rewrite a closed database, so that no deleted row or word is left in its bytes."""
    with contextlib.closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("INSERT INTO chunks_fts(chunks_fts) VALUES('optimize')")
        connection.execute("VACUUM")
    consolidate_file(file)
    for ending in ("-wal", "-shm", "-journal", "-commits"):
        file.with_name(f"{file.name}{ending}").unlink(missing_ok=True)


def _count(file: Path, query: str, *arguments: str) -> int:
    """Return what the query counts; -1 when the file cannot be read, which may hold anything."""
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)
        ) as connection:
            return int(connection.execute(query, arguments).fetchone()[0])
    except UNREADABLE:
        return -1
