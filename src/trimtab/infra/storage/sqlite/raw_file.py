"""Reads the bytes of a database file while SQLite has it open in this process.

POSIX releases all locks that a process has on a file when it closes any descriptor of the file.
Another program that opens the database, such as the `sqlite3` shell, would then remove the log when
it ends, and everything that is committed afterwards would be lost. So the descriptor stays open
until the database is closed.
"""

import os
import threading
from collections.abc import Iterator
from pathlib import Path


class RawFile:
    """The bytes of one database file; several threads may read.

    Args:
        file: The database.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._handle: int | None = None
        self._lock = threading.Lock()

    def at(self, offset: int, count: int) -> bytes:
        """Return the bytes at the offset; fewer at the end of the file."""
        found = bytearray()
        while part := os.pread(self._open(), count - len(found), offset + len(found)):
            found += part
        return bytes(found)

    def blocks(self, size: int) -> Iterator[bytes]:
        """Yield the whole file in blocks of that size; the last one may be smaller."""
        offset = 0
        while block := self.at(offset, size):
            yield block
            offset += len(block)

    def reopen(self) -> None:
        """Read from the file that has the name now; the database was replaced."""
        with self._lock:
            if self._handle is not None and not self._same():
                self._close()

    def close(self) -> None:
        """Close the file; call it when no connection of this process has the database open."""
        with self._lock:
            self._close()

    def _open(self) -> int:
        with self._lock:
            if self._handle is None:
                self._handle = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC)
            return self._handle

    def _same(self) -> bool:
        held, named = os.fstat(self._handle or 0), self._file.stat()
        return (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino)

    def _close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
