"""Log files: a new one by age and size, old ones compressed, the last day always kept within a size."""

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
"""The file that is written to now; only its handler begins a new one."""
_ROTATED = "trimtab-*.log*"
_HOURS = 3600.0
_LONGEST_SECONDS = 6 * _HOURS
"""A file is closed after so long, so that what is older than the kept time can go in parts."""


@dataclass(frozen=True, slots=True)
class LogFiles:
    """Where the log is also written, when it begins a new file, and when an old one goes.

    ``most`` files are kept, and all that are younger than ``hours``; together never more than ``most`` times
    ``megabytes``, so that a flood of lines cannot fill the disk.
    """

    folder: Path
    megabytes: int
    """The size at which a file is full."""
    most: int
    """How many files are kept whatever their age, the present one among them."""
    hours: float = 24.0
    """How long files beyond these are kept."""


class RotatingLog(BaseRotatingHandler):
    """Writes ``trimtab.log``; full or old files become ``trimtab-<time>.log.gz``.

    Files are compressed in a thread of their own. A line that finds the disk full is dropped here: it still goes to
    the other handlers, and the program goes on.
    """

    def __init__(self, files: LogFiles) -> None:
        files.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._files = files
        self._full = files.megabytes * 1024 * 1024
        self._began: float | None = None
        self._now = 0.0
        """The time of the newest line, in seconds since the epoch."""
        self._packing: threading.Thread | None = None
        super().__init__(str(files.folder / ACTIVE_LOG), "a", encoding="utf-8")

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802 - the base class's name.
        """Return whether the record begins a new file."""
        self._now = record.created
        if self._began is None:
            self._began = record.created
        if self.stream is None:
            self.stream = self._open()
        size = self.stream.tell()
        line = len(self.format(record).encode()) + 1
        old = record.created - self._began >= _LONGEST_SECONDS
        return size > 0 and (old or size + line > self._full)

    def doRollover(self) -> None:  # noqa: N802 - the base class's name.
        """Close the file under a name of its time, and begin a new one."""
        if self.stream is not None:
            self.stream.close()
        active = Path(self.baseFilename)
        with contextlib.suppress(OSError):
            active.replace(self._unused(active.stat().st_mtime))
        self._began = None
        self.stream = self._open()
        self._wait()
        self._packing = threading.Thread(target=self._tidy, name="log files", daemon=True)
        self._packing.start()

    def begin_new_file(self) -> None:
        """Close the file that is written to, and wait until closed files are compressed."""
        self.acquire()
        try:
            if self.stream is not None and self.stream.tell():
                self.doRollover()
        finally:
            self.release()
        self._wait()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class's name.
        """Drop a line that finds the disk full; report any other error."""
        import sys

        error = sys.exc_info()[1]
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return
        super().handleError(record)

    def close(self) -> None:
        """Finish what is being compressed, and close the file."""
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
    """Return the files that are not written to any more, the oldest first."""
    return sorted(folder.glob(_ROTATED))
