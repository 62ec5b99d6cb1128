"""The knowledge database: a file that can be replaced while in use, rows that carry a checksum.

SQLite notices a damaged page structure only. A seal is the CRC-32 of a row's values, each with its
type and length. It is written with the row and checked whenever the row is read, and for all rows
by `integrity_of`. It guards against bit rot, not against malice.
"""

import json
import os
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from trimtab.infra.storage import SqliteDatabase
from trimtab.kernel.errors import Corrupt
from trimtab.knowledge.errors import DatabaseDamaged

DATABASE = "knowledge.db"
_BESIDE = ("", "-wal", "-shm", "-commits")


class ReopenableDatabase(SqliteDatabase):
    """A `SqliteDatabase` whose file can be replaced while others use it.

    A replacement first writes a plan to disk; the next start completes an unfinished one. So after
    a crash at any instant either the old file or the new one is in place.
    """

    def __init__(self, file: Path, chains: tuple[str, ...]) -> None:
        _complete(file)
        self._free = threading.Condition()
        self._inside = 0
        """Number of threads that use the file."""
        self._closed = False
        self._mine = threading.local()
        self.suspect = False
        """Set when a call met damage; a check of the file clears it."""
        super().__init__(file, chains, keep_pages=True)
        self.suspect = self.guard.kept_damage

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a connection that sees one consistent state."""
        with self._sharing(), super().read() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction; see `SqliteDatabase.write`."""
        with self._sharing(), super().write() as connection:
            yield connection

    @contextmanager
    def outside_transaction(self) -> Iterator[sqlite3.Connection]:
        """Open a connection without a transaction; see `SqliteDatabase.outside_transaction`."""
        with self._sharing(), super().outside_transaction() as connection:
            yield connection

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """Open a plain connection with exclusive access: for VACUUM and the like."""
        with self._exclusive():
            self.engine.dispose()
            connection = sqlite3.connect(self.file, timeout=30, isolation_level=None)
            try:
                yield connection
            finally:
                connection.close()
                self.changes += 1

    def replace(self, fresh: Path, keep_as: Path) -> None:
        """Replace the database by ``fresh`` and keep the former file; both in the same folder."""
        with self._exclusive():
            self.engine.dispose()
            put_in_place(self.file, fresh, keep_as)
            self.changes += 1
            self.guard.check_commits()

    @contextmanager
    def _sharing(self) -> Iterator[None]:
        """Keep the file in place meanwhile, and note whether it met damage.

        Many threads may share it; one that does may share it again.
        """
        depth: int = getattr(self._mine, "depth", 0)
        with self._free:
            while self._closed and not depth:
                self._free.wait()
            self._inside += not depth
        self._mine.depth = depth + 1
        try:
            yield
        except Corrupt:
            self.suspect = True
            raise
        finally:
            self._mine.depth = depth
            with self._free:
                self._inside -= not depth
                self._free.notify_all()

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Wait until no thread uses the file, and let none use it meanwhile but this one."""
        with self._free:
            while self._closed:
                self._free.wait()
            self._closed = True
            while self._inside:
                self._free.wait()
        self._mine.depth = getattr(self._mine, "depth", 0) + 1
        try:
            yield
        finally:
            self._mine.depth -= 1
            with self._free:
                self._closed = False
                self._free.notify_all()


def put_in_place(file: Path, fresh: Path, keep_as: Path) -> None:
    """Replace a closed database by ``fresh`` and keep the former file; all in one folder."""
    plan = {"fresh": fresh.name, "keep_as": keep_as.name}
    write_durably(_note(file), json.dumps(plan))
    _complete(file)


def _note(file: Path) -> Path:
    return file.with_name(f"{file.name}.replacing")


def _complete(file: Path) -> None:
    """Finish a replacement that was written down, from wherever it stopped."""
    note = _note(file)
    if not note.exists():
        return
    plan = json.loads(note.read_text(encoding="utf-8"))
    fresh, kept = file.with_name(plan["fresh"]), file.with_name(plan["keep_as"])
    if fresh.exists():
        # The log of the former file must go with it: applied to another file it would destroy that.
        for beside in _BESIDE:
            former = file.with_name(file.name + beside)
            if former.exists():
                former.replace(kept.with_name(kept.name + beside))
        fresh.replace(file)
    sync_folder(file.parent)
    note.unlink()
    sync_folder(file.parent)


def write_durably(file: Path, text: str) -> None:
    """Write a file that is replaced whole or not at all, and survives a power cut."""
    partial = file.with_name(f"{file.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def consolidate_file(file: Path) -> None:
    """Merge the write-ahead log of a closed database into its file, and sync it."""
    connection = sqlite3.connect(file, timeout=30, isolation_level=None)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
    finally:
        connection.close()
    with file.open("rb") as stream:
        os.fsync(stream.fileno())


SEALED: Mapping[str, tuple[str, ...]] = {
    "projects": ("id", "name", "created_at", "engine", "embedder"),
    "documents": (
        "id",
        "name",
        "title",
        "media_type",
        "source_hash",
        "size_bytes",
        "characters",
        "state",
        "attempts",
        "last_error",
        "version",
        "created_at",
        "updated_at",
    ),
    "chunks": ("id", "ordinal", "start_offset", "end_offset", "page", "heading", "text"),
    "vectors": ("model", "vector"),
    "new_vectors": ("model", "vector"),
    "metadata": ("name", "value"),
    "deletions": ("document_id", "project_id", "deleted_at"),
    "tuning": ("name", "value"),
}
"""What each table's seal covers. Keys are left out: a merge of two files gives rows new ones."""

_Row = TypeVar("_Row")


def seal(*values: object) -> int:
    """Return the checksum of the values, 0 to 2**32 - 1."""
    parts: list[bytes] = []
    for value in values:
        data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        parts += (f"{type(value).__name__[0]}{len(data)}:".encode(), data)
    return zlib.crc32(b"".join(parts))


def sealed(table: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's values together with their seal."""
    # An enum of strings is stored as its text, and must be sealed as what will be read.
    plain = [str(v) if isinstance(v := values[name], str) else v for name in SEALED[table]]
    return {**values, "seal": seal(*plain)}


def intact(table: str, row: _Row) -> _Row:
    """Return the row if its values are those that were written.

    Raises:
        DatabaseDamaged: They are not.
    """
    values: Any = row
    if values.seal != seal(*(getattr(values, name) for name in SEALED[table])):
        raise DatabaseDamaged(
            f"A row of {table} in the knowledge database is not as it was written."
        )
    return row


def broken_rows(connection: sqlite3.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    """Yield the keys of rows with a wrong seal; nothing for a schema without seals."""
    described = connection.execute(f"PRAGMA table_info({table})").fetchall()
    known = {row[1] for row in described}
    if "seal" not in known:
        return
    # A backup of an earlier release has fewer columns, and its seals cover those.
    covered = [name for name in SEALED[table] if name in known]
    keys = [row[1] for row in sorted(described, key=lambda row: row[5]) if row[5]]
    columns = ", ".join((*keys, "seal", *covered))
    with LenientDecoding(connection):
        for row in connection.execute(f"SELECT {columns} FROM {table}"):  # noqa: S608
            if row[len(keys)] != seal(*row[len(keys) + 1 :]):
                yield row[: len(keys)]


class LenientDecoding:
    """Lets a connection read invalid UTF-8, which a changed byte can cause."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._former: Callable[[bytes], Any] = connection.text_factory

    def __enter__(self) -> None:
        self._connection.text_factory = lambda raw: raw.decode("utf-8", "replace")

    def __exit__(self, *_: object) -> None:
        self._connection.text_factory = self._former
