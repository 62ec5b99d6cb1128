"""Rotates, compresses and removes log files by age and size."""

import contextlib
import errno
import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from logging.handlers import BaseRotatingHandler
from pathlib import Path

from trimtab.infra.compress import NoRoom, compress

ACTIVE_LOG = "trimtab.log"
"""Name of the current log file; only its handler rotates it."""
_ROTATED = "trimtab-*.log*"
_HOURS = 3600.0
_LONGEST_SECONDS = 6 * _HOURS
"""Maximum age of the current file, so that old lines can be removed in small parts."""


@dataclass(frozen=True, slots=True)
class LogFiles:
    """Folder, rotation size and retention of log files.

    The newest ``most`` files are kept, and all that are younger than ``hours``; their total size
    never exceeds ``most`` times ``megabytes``, so that a flood of lines cannot fill the disk.
    """

    folder: Path
    megabytes: int
    """Size at which a file is rotated."""
    most: int
    """Number of files kept at any age, including the current one."""
    hours: float = 24.0
    """Age up to which files beyond ``most`` are kept."""


class RotatingLog(BaseRotatingHandler):
    """Writes ``trimtab.log``; full or old files become ``trimtab-<time>.log.gz``.

    Files are compressed in a separate thread. On a full disk a line is dropped here: it still
    reaches the other handlers, and the program continues.
    """

    def __init__(self, files: LogFiles) -> None:
        files.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._files = files
        self._full = files.megabytes * 1024 * 1024
        self._began: float | None = None
        self._room = 0
        """Bytes that still fit into the current file, at least; not known yet when negative."""
        self._now = 0.0
        """Time of the newest line, in seconds since the epoch."""
        self._packing: threading.Thread | None = None
        super().__init__(str(files.folder / ACTIVE_LOG), "a", encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record's line, into a new file when the current one is full or old."""
        try:
            if self.shouldRollover(record):
                self.doRollover()
            assert self.stream is not None  # noqa: S101 - `shouldRollover` has opened it.
            self.stream.write(f"{self.format(record)}\n")
            self.stream.flush()
        except RecursionError:
            raise
        # Logging must not fail what logs.
        except Exception:  # noqa: BLE001
            self.handleError(record)

    # The name is given by the base class.
    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802
        """Return whether to rotate before the record."""
        self._now = record.created
        if self._began is None:
            self._began = record.created
        if self.stream is None:
            self.stream = self._open()
        text = self.format(record)
        line = (len(text) if text.isascii() else len(text.encode())) + 1
        self._room -= line
        is_old = record.created - self._began >= _LONGEST_SECONDS
        if self._room >= 0 and not is_old:
            return False
        # No other process writes the file, so its size is looked up only when it seems to be full.
        size = self.stream.tell()
        self._room = self._full - size - line
        return size > 0 and (is_old or self._room < 0)

    def doRollover(self) -> None:  # noqa: N802 - the base class's name.
        """Rename the current file by its time, open a new one, compress in background."""
        if self.stream is not None:
            self.stream.close()
        active = Path(self.baseFilename)
        with contextlib.suppress(OSError):
            active.replace(self._unused(active.stat().st_mtime))
        self._began = None
        self._room = 0
        self.stream = self._open()
        self._wait()
        self._packing = threading.Thread(target=self._tidy, name="log files", daemon=True)
        self._packing.start()

    def begin_new_file(self) -> None:
        """Rotate the current file, and wait until closed files are compressed."""
        self.acquire()
        try:
            if self.stream is not None and self.stream.tell():
                self.doRollover()
        finally:
            self.release()
        self._wait()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class's name.
        """Drop a line on a full disk; report any other error."""
        import sys

        error = sys.exc_info()[1]
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return
        super().handleError(record)

    def close(self) -> None:
        """Wait for running compression, and close the file."""
        self._wait()
        with contextlib.suppress(OSError):
            super().close()

    def _wait(self) -> None:
        if self._packing is not None:
            self._packing.join(timeout=60)

    def _tidy(self) -> None:
        for file in rotated(self._files.folder):
            if file.suffix != ".gz":
                with contextlib.suppress(NoRoom, OSError):
                    compress(file)
        self._remove_old()

    def _remove_old(self) -> None:
        newest = Path(self.baseFilename)
        with contextlib.suppress(OSError):
            total, kept = newest.stat().st_size, 1
            for file in reversed(rotated(self._files.folder)):
                status = file.stat()
                total, kept = total + status.st_size, kept + 1
                old = self._now - status.st_mtime > self._files.hours * _HOURS
                if total > self._files.most * self._full or (old and kept > self._files.most):
                    file.unlink(missing_ok=True)
                    total -= status.st_size

    def _unused(self, when: float) -> Path:
        stamp = datetime.fromtimestamp(when, UTC).strftime("%Y%m%dT%H%M%S")
        number = 0
        while True:
            name = f"trimtab-{stamp}.{number:03d}.log"
            found = self._files.folder / name
            if not found.exists() and not found.with_name(f"{name}.gz").exists():
                return found
            number += 1


def rotated(folder: Path) -> list[Path]:
    """Return the rotated log files, oldest first."""
    return sorted(folder.glob(_ROTATED))
