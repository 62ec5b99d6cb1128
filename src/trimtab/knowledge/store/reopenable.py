"""A database whose file can be replaced while it is in use, safe against crashes."""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.kernel.errors import Corrupt

DATABASE = "knowledge.db"
_BESIDE = ("", "-wal", "-shm", "-commits")


class ReopenableDatabase(Database):
    """A `Database` whose file can be replaced while others use it.

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
        """Open a transaction; see `Database.write`."""
        with self._sharing(), super().write() as connection:
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
