"""Counts acknowledged commits in a separate file to detect lost ones.

Each commit increments a counter in the database (``PRAGMA user_version``) and then writes the same
number to a small file. A kill between the two leaves the file behind, which is harmless. A database
whose counter is behind the file has lost acknowledged commits: its log was truncated or removed, or
an older copy was restored. The file is not synced to disk at each commit, since after a power cut
it is merely behind.
"""

import logging
import os
import sqlite3
import threading
import zlib
from pathlib import Path

_log = logging.getLogger(__name__)
_MOST = 2**31 - 1


def commit_count_file(database: Path) -> Path:
    """Return the path of the commit count file of a database."""
    return database.with_name(f"{database.name}-commits")


def commit_count(connection: sqlite3.Connection) -> int:
    """Return the number of commits counted in the database."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def increment_commits(connection: sqlite3.Connection) -> int:
    """Increment the commit counter within the transaction; return its new value."""
    number = commit_count(connection) % _MOST + 1
    connection.execute(f"PRAGMA user_version={number}")
    return number


class CommitCounter:
    """The file with the number of the newest acknowledged commit."""

    def __init__(self, database: Path) -> None:
        self._file = commit_count_file(database)
        self._lock = threading.Lock()
        self._highest = 0

    def missing(self, found: int) -> int:
        """Return the number of missing acknowledged commits, then accept the count found."""
        noted = self._noted()
        self._highest = 0
        self.note(found)
        return max(0, noted - found)

    def note(self, number: int) -> None:
        """Record the number of acknowledged commits. Write errors are only logged."""
        with self._lock:
            if number < self._highest < _MOST:
                return
            self._highest = number
            text = b"%010d %08x\n" % (number, zlib.crc32(b"%d" % number))
            try:
                handle = os.open(self._file, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
                try:
                    os.pwrite(handle, text, 0)
                finally:
                    os.close(handle)
            except OSError as error:
                _log.warning("%s was not written", self._file.name, extra={"reason": str(error)})

    def _noted(self) -> int:
        try:
            text = self._file.read_bytes()
        except FileNotFoundError:
            return 0
        number, _, check = text[:20].partition(b" ")
        if number.isdigit() and check.strip() == b"%08x" % zlib.crc32(b"%d" % int(number)):
            return int(number)
        _log.warning("%s was damaged; it is written again", self._file.name)
        return 0
