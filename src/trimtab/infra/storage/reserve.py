"""Reserves disk space, released on a full disk so repairs can be recorded."""

import logging
import os
import shutil
import threading
from pathlib import Path

_log = logging.getLogger(__name__)
RESERVE_BYTES = 8 * 1024 * 1024
"""Size of the reserve: enough for the journal, jobs and audit events of one incident."""
_SHARE = 0.02
"""Largest share of a small disk that the reserve may take."""
_LOW = 1024 * 1024
"""Free space below which a commit of a few pages may fail."""
NAME = "disk.reserve"


class DiskReserve:
    """A file that occupies disk space and holds no data.

    Args:
        folder: The data directory.
        max_bytes: The size of the reserve on a large disk.
    """

    def __init__(self, folder: Path, max_bytes: int = RESERVE_BYTES) -> None:
        self.file = folder / NAME
        self._max_bytes = max_bytes
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """Return the size of the reserve on this disk, in bytes."""
        return min(self._max_bytes, int(shutil.disk_usage(self.file.parent).total * _SHARE))

    @property
    def held(self) -> bool:
        """Return whether the space is reserved now."""
        try:
            return self.file.stat().st_size > 0
        except FileNotFoundError:
            return False

    def look(self) -> None:
        """Release the reserve on a full disk, or take it back. Cheap; never raises."""
        try:
            free = shutil.disk_usage(self.file.parent).free
            if self.held and free < _LOW:
                self.release()
            elif not self.held and free > 4 * self.size_bytes:
                self.hold()
        except OSError as error:
            _log.warning("the disk reserve was not changed", extra={"reason": str(error)})

    def hold(self) -> bool:
        """Reserve the space; return False, leaving an empty file, when it does not fit."""
        size = self.size_bytes
        with self._lock:
            handle = os.open(self.file, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(handle, 0, max(1, size))
            except OSError:
                os.ftruncate(handle, 0)
                return False
            finally:
                os.close(handle)
        return True

    def release(self) -> None:
        """Free the reserved space for other writers."""
        with self._lock, self.file.open("r+b") as stream:
            stream.truncate(0)
        _log.error(
            "the disk of %s is full: the reserve was released",
            self.file.parent,
            extra={"error_type": "StorageFull", "bytes": self.size_bytes},
        )
