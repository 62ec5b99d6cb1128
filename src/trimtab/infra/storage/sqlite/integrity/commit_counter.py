"""How many changes of a database were acknowledged, kept beside it, so that a loss of any is noticed.

Each commit counts one on in the database (``PRAGMA user_version``) and then writes the same number to a small file. A
kill between the two leaves the file behind, which says nothing; a database that is behind its file has lost what was
acknowledged, however that happened: a log cut short or taken away, an older copy put in its place. The file is not
forced to disk at each commit, since after a power cut it is merely behind.
"""

import logging
import os
import sqlite3
import threading
import zlib
from pathlib import Path

_log = logging.getLogger(__name__)
_MOST = 2**31 - 1


def acknowledged_file(database: Path) -> Path:
    """Return the file that stands beside the database."""
    return database.with_name(f"{database.name}-commits")


def commits_of(connection: sqlite3.Connection) -> int:
    """Return how many commits the database has counted."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def count_on(connection: sqlite3.Connection) -> int:
    """Count this transaction, inside it; return its number."""
    number = commits_of(connection) % _MOST + 1
    connection.execute(f"PRAGMA user_version={number}")
    return number


class Acknowledged:
    """The number of the newest acknowledged commit of one database, on disk."""

    def __init__(self, database: Path) -> None:
        self._file = acknowledged_file(database)
        self._lock = threading.Lock()
        self._highest = 0

    def missing(self, found: int) -> int:
        """Return how many acknowledged commits a database lacks that has counted so many; go on from those."""
        noted = self._noted()
        self._highest = 0
        self.note(found)
        return max(0, noted - found)

    def note(self, number: int) -> None:
        """Note that so many commits were acknowledged. Never fails: it is only a witness."""
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
        _log.warning("%s was damaged; it is written anew", self._file.name)
        return 0
