"""Creates, checks and locks the data directory before anything opens it."""

import errno
import fcntl
import logging
import os
import shutil
import stat
from pathlib import Path
from types import TracebackType

from trimtab.infra.storage.errors import DataDirectoryInUse, DataDirectoryUnusable
from trimtab.infra.storage.secret_registry import SecretRegistry
from trimtab.infra.storage.sqlite.database import translate_errors
from trimtab.kernel.errors import StorageFull

_log = logging.getLogger(__name__)
_OTHERS = 0o077
FLOOR_BYTES = 16 * 1024 * 1024
"""Free space required to start: below it a database may be unable to checkpoint."""

_HINT = (
    "`trimtab knowledge clean-up` removes expired files, also on a full disk; "
    "`trimtab knowledge disk` shows what uses the space."
)


class DataDirectory:
    """A data directory locked by this process.

    The operating system releases the lock when the process ends, however it ends.

    Args:
        path: The directory; created when missing.
        floor_bytes: Free space required; 0 for a process that only frees space.
        shared: Let other processes use it too, when they share its databases on a server.

    Raises:
        DataDirectoryUnusable: The directory cannot be created or written.
        DataDirectoryInUse: Another process holds the lock.
        StorageFull: The disk has less free space than `floor_bytes`.
    """

    def __init__(self, path: Path, floor_bytes: int = FLOOR_BYTES, *, shared: bool = False) -> None:
        self.path = path.absolute()
        self.secrets: SecretRegistry | None = None
        """What the processes on one database server agree on their secrets by; set by the first
        user of the database.
        """
        self._make()
        self._close_to_others()
        self._lock = self._hold(fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        self._first = self._lock_first() if shared else None
        self.suffix = f"-{os.getpid()}" if shared and self._first is None else ""
        """Ends the names of files that only one process may write, in all but the first process."""
        free = shutil.disk_usage(self.path).free
        if free < floor_bytes:
            self.close()
            raise StorageFull(
                f"The disk of {self.path} has {free // 1024} kB left; {floor_bytes // 1024**2} MB"
                " are needed to start.",
                hint=_HINT,
            )

    def file(self, name: str) -> Path:
        """Return the path of a file directly in the directory."""
        return self.path / name

    def folder(self, name: str) -> Path:
        """Return a subfolder that only this user can read, created when missing."""
        folder = self.path / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def keep_secret(self, name: str, data: bytes) -> None:
        """Write a file atomically that only this user can read.

        Raises:
            StorageFull: There is no space; nothing was written.
        """
        temporary = self.file(f".{name}.new")
        with translate_errors(self.file(name)):
            handle = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.file(name))

    def close(self) -> None:
        """Release the lock."""
        os.close(self._lock)
        if self._first is not None:
            os.close(self._first)

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
        """Remove the permissions of other users from the directory and its content.

        Raises:
            DataDirectoryUnusable: Another user owns it, or its permissions cannot be changed.
        """
        found = self.path.stat()
        if found.st_uid != os.geteuid():
            raise DataDirectoryUnusable(
                f"The data directory {self.path} belongs to another user.",
                hint="Change its owner with `chown -R`, or choose another one with `--data-dir`.",
            )
        if not stat.S_IMODE(found.st_mode) & _OTHERS:
            return
        try:
            self.path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)
            count = _close_files(self.path)
        except OSError as error:
            raise DataDirectoryUnusable(
                f"The data directory {self.path} is open to other users and its permissions cannot"
                f" be changed: {error.strerror}.",
                hint=f"Run `chmod -R go= {self.path}`.",
            ) from error
        _log.warning(
            "the data directory was open to other users; their permissions were removed",
            extra={"path": str(self.path), "files": count},
        )

    def _lock_first(self) -> int | None:
        """Return a lock that the first of the processes holds that share the directory."""
        lock = os.open(self.path / "first.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return None
        return lock

    def _hold(self, kind: int) -> int:
        try:
            lock = os.open(self.path / "trimtab.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(self.path, error) from error
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise DataDirectoryInUse(
                f"The data directory {self.path} is in use by another trimtab process.",
                hint="Stop that process, or choose another directory with `--data-dir`.",
            ) from None
        return lock


def _close_files(folder: Path) -> int:
    """Remove the permissions of other users below a folder; return the number changed.

    Links are not followed.
    """
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
