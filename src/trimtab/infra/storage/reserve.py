"""Disk space kept back for the operator: released when the disk is full, so that a repair can be written down."""

import logging
import os
import shutil
import threading
from pathlib import Path

_log = logging.getLogger(__name__)
RESERVE_BYTES = 8 * 1024 * 1024
"""Enough for the journal, the jobs and the audit events of an incident on a full disk."""
_SHARE = 0.02
"""On a small disk the reserve is this share of it."""
_LOW = 1024 * 1024
"""With less than this much free, a commit of a few pages may fail."""
NAME = "disk.reserve"


class DiskReserve:
    """A file that holds disk space and no data.

    Args:
        folder: The data directory.
        most_bytes: Its size on a large disk.
    """

    def __init__(self, folder: Path, most_bytes: int = RESERVE_BYTES) -> None:
        self.file = folder / NAME
        self._most = most_bytes
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """Return how much is kept back on this disk."""
        return min(self._most, int(shutil.disk_usage(self.file.parent).total * _SHARE))

    @property
    def held(self) -> bool:
        """Return whether the space is kept back now."""
        try:
            return self.file.stat().st_size > 0
        except FileNotFoundError:
            return False

    def look(self) -> None:
        """Release the space when the disk is full, and take it again when there is plenty; cheap, never raises."""
        try:
            free = shutil.disk_usage(self.file.parent).free
            if self.held and free < _LOW:
                self.release()
            elif not self.held and free > 4 * self.size_bytes:
                self.hold()
        except OSError as error:
            _log.warning("the disk reserve was not changed", extra={"reason": str(error)})

    def hold(self) -> bool:
        """Keep the space back; return False, with nothing left behind, when the disk has not enough."""
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
        """Give the space to whoever writes next."""
        with self._lock, self.file.open("r+b") as stream:
            stream.truncate(0)
        _log.error(
            "the disk of %s is full: the reserve was released",
            self.file.parent,
            extra={"error_type": "StorageFull", "bytes": self.size_bytes},
        )
