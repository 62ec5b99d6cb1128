"""Proves that deleted data is nowhere: in no table, index, cache, or newer backup."""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trimtab.infra.storage import SqliteDatabase
from trimtab.knowledge.maintenance.backups import Backups
from trimtab.knowledge.maintenance.deletions import Deletion, DeletionLog

_CHUNK_ID = re.compile(rb"chk_[0-9a-f]{32}")
_BLOCK = 1 << 24
_OVERLAP = 64


@dataclass(frozen=True, slots=True)
class DeletionProof:
    """Result of a deletion check: places searched, and what was found."""

    deletions: int
    files: tuple[str, ...]
    """Files that were read byte by byte."""
    violations: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Return whether no deleted data was found."""
        return not self.violations


class DeletionVerifier:
    """Looks through everything that could still hold a deleted document."""

    def __init__(self, live: SqliteDatabase, backups: Backups, deletions: DeletionLog) -> None:
        self._database = live.file
        self._raw = live.guard.raw
        self._backups = backups
        self._deletions = deletions

    def prove(self, held_document_ids: Iterable[str], dead_in_indexes: int = 0) -> DeletionProof:
        """Check every deletion.

        Args:
            held_document_ids: Documents of which something is in a cache now.
            dead_in_indexes: Passages that an index holds and the database has not.
        """
        deleted = self._deletions.all()
        violations = [
            f"cache: {document_id}"
            for document_id in {found.document_id for found in deleted} & set(held_document_ids)
            if not self._came_back(self._database, document_id)
        ]
        if dead_in_indexes:
            violations.append(f"index: {dead_in_indexes} passages that no longer exist")
        files = [self._database, self._database.with_name(f"{self._database.name}-wal")]
        violations += self._in_files([file for file in files if file.exists()], deleted)
        for backup in self._backups.list():
            before = [found for found in deleted if found.at < backup.at]
            files.append(backup.path)
            violations += self._in_files([backup.path], before)
        names = tuple(file.name for file in files if file.exists())
        return DeletionProof(len(deleted), names, tuple(sorted(violations)))

    def _in_files(self, files: Sequence[Path], deleted: Sequence[Deletion]) -> list[str]:
        if not deleted or not files:
            return []
        found = [
            f"{files[0].name}: row of {entry.document_id}"
            for entry in deleted
            if _has_row(files[0], entry)
        ]
        for file in files:
            remains = _chunk_ids(self._blocks(file)) & {entry.witness.encode() for entry in deleted}
            alive = _live_chunk_ids(files[0], remains)
            found += [f"{file.name}: remains of {chunk.decode()}" for chunk in remains - alive]
        return found

    def _blocks(self, file: Path) -> Iterator[bytes]:
        if file == self._database:
            yield from self._raw.blocks(_BLOCK)
            return
        with file.open("rb") as stream:
            yield from iter(lambda: stream.read(_BLOCK), b"")

    def _came_back(self, file: Path, document_id: str) -> bool:
        with _opened(file) as connection:
            return (
                connection.execute(
                    "SELECT 1 FROM documents WHERE id = ?", (document_id,)
                ).fetchone()
                is not None
            )


def remains_in_backups(
    backups: Backups, deleted: Sequence[Deletion]
) -> tuple[tuple[str, ...], list[str]]:
    """Return the names of the backups that were read, and the rows of documents deleted before."""
    names, found = [], []
    for backup in backups.list():
        names.append(backup.path.name)
        before = [entry for entry in deleted if entry.at < backup.at]
        found += [
            f"{backup.path.name}: row of {entry.document_id}"
            for entry in before
            if _has_row(backup.path, entry)
        ]
    return tuple(names), found


def _has_row(file: Path, entry: Deletion) -> bool:
    with _opened(file) as connection:
        row = connection.execute(
            "SELECT updated_at FROM documents WHERE id = ?", (entry.document_id,)
        ).fetchone()
    return row is not None and row[0] <= entry.at.isoformat()


class _opened:  # noqa: N801 - reads as a verb.
    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)

    def __enter__(self) -> sqlite3.Connection:
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _chunk_ids(blocks: Iterable[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    tail = b""
    for block in blocks:
        found.update(_CHUNK_ID.findall(tail + block))
        tail = block[-_OVERLAP:]
    return found


def _live_chunk_ids(file: Path, ids: Iterable[bytes]) -> set[bytes]:
    """Return those that belong to a row now: a document that was ingested again has them again."""
    with _opened(file) as connection:
        return {
            chunk
            for chunk in ids
            if connection.execute("SELECT 1 FROM chunks WHERE id = ?", (chunk.decode(),)).fetchone()
        }
