"""The data directory: made, checked and locked before anything is opened in it."""

import errno
import fcntl
import logging
import os
import shutil
import stat
from pathlib import Path
from types import TracebackType

from trimtab.infra.storage.errors import DataDirectoryInUse, DataDirectoryUnusable
from trimtab.infra.storage.sqlite.database import translated
from trimtab.kernel.errors import StorageFull

_log = logging.getLogger(__name__)
_OTHERS = 0o077
FLOOR_BYTES = 16 * 1024 * 1024
"""Below this much free space nothing starts: a database that cannot checkpoint helps nobody."""

_HINT = (
    "`trimtab knowledge clean-up` removes what is past its age, also on a full disk; `trimtab knowledge disk` shows "
    "what takes the space."
)


class DataDirectory:
    """An exclusively held data directory. The lock goes with the process, however it ends.

    Args:
        path: Where it is; made when missing.
        floor_bytes: How much must be free; 0 for whoever only frees space.

    Raises:
        DataDirectoryUnusable: It cannot be made, or not be written to.
        DataDirectoryInUse: Another process holds it.
        StorageFull: Its disk has less than 16 MB left.
    """

    def __init__(self, path: Path, floor_bytes: int = FLOOR_BYTES) -> None:
        self.path = path.absolute()
        self._make()
        self._close_to_others()
        self._lock = self._hold()
        free = shutil.disk_usage(self.path).free
        if free < floor_bytes:
            self.close()
            raise StorageFull(
                f"The disk of {self.path} has {free // 1024} kB left; {floor_bytes // 1024**2} MB are needed to start.",
                hint=_HINT,
            )

    def file(self, name: str) -> Path:
        """Return the path of a file directly in the directory."""
        return self.path / name

    def folder(self, name: str) -> Path:
        """Return a sub-folder, made when missing, readable by this user only."""
        folder = self.path / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def keep_secret(self, name: str, data: bytes) -> None:
        """Write a file that only this user can read: wholly, or not at all and raise `StorageFull`."""
        temporary = self.file(f".{name}.new")
        with translated(self.file(name)):
            handle = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.file(name))

    def close(self) -> None:
        """Release the lock."""
        os.close(self._lock)

    def __enter__(self) -> "DataDirectory":
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def _make(self) -> None:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(self.path, error) from error

    def _close_to_others(self) -> None:
        """Take what other users may do from a directory that was made with wider permissions, and from all in it.

        Raises:
            DataDirectoryUnusable: It is somebody else's, or its permissions cannot be changed.
        """
        found = self.path.stat()
        if found.st_uid != os.geteuid():
            raise DataDirectoryUnusable(
                f"The data directory {self.path} belongs to another user.",
                hint="Give it to this user with `chown -R`, or choose another one with `--data-dir`.",
            )
        if not stat.S_IMODE(found.st_mode) & _OTHERS:
            return
        try:
            self.path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)
            count = _close_files(self.path)
        except OSError as error:
            raise DataDirectoryUnusable(
                f"The data directory {self.path} is open to other users and cannot be closed: {error.strerror}.",
                hint=f"Run `chmod -R go= {self.path}`.",
            ) from error
        _log.warning(
            "the data directory was open to other users; it is closed now",
            extra={"path": str(self.path), "files": count},
        )

    def _hold(self) -> int:
        try:
            lock = os.open(self.path / "trimtab.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(self.path, error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise DataDirectoryInUse(
                f"The data directory {self.path} is in use by another trimtab process.",
                hint="Stop that process, or give another one with `--data-dir`.",
            ) from None
        return lock


def _close_files(folder: Path) -> int:
    """Take every permission of other users from what is in the folder; follow no link; return how much it was."""
    count = 0
    for _, folders, files, handle in os.fwalk(folder, follow_symlinks=False):
        for name in (*folders, *files):
            mode = os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode) or not stat.S_IMODE(mode) & _OTHERS:
                continue
            os.chmod(name, stat.S_IMODE(mode) & ~_OTHERS, dir_fd=handle)
            count += 1
    return count


def _unusable(path: Path, error: OSError) -> Exception:
    if error.errno == errno.ENOSPC:
        return StorageFull(f"The disk of {path} is full.", hint=_HINT)
    return DataDirectoryUnusable(
        f"The data directory {path} cannot be used: {error.strerror}.",
        hint="Give this user write permission there, or choose another one with `--data-dir`.",
    )
