"""Finds temporary files that trimtab itself left behind in the system's temporary folder."""

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIXES = (
    "trimtab-demo-",
    "trimtab-drills-",
    "trimtab-proof-",
    "trimtab-release-",
    "trimtab-schema-",
    "trimtab-selftest-",
)
"""How the names of trimtab's temporary files begin; nothing else in that folder is ever touched."""
_LOCK = "trimtab.lock"


def leftovers(before: float, folder: Path | None = None) -> Iterator[Path]:
    """Yield the temporary files and folders of trimtab and this user in which nothing changed since ``before``.

    Links, other users' files, mount points and data directories that a process holds are left out.

    Args:
        before: Seconds since the epoch.
        folder: Where to look; by default the system's temporary folder.
    """
    where = Path(tempfile.gettempdir()) if folder is None else folder
    try:
        device = where.stat().st_dev
        names = sorted(name for name in os.listdir(where) if name.startswith(PREFIXES))  # noqa: PTH208 - names only.
    except OSError:
        return
    for name in names:
        entry = where / name
        try:
            if _is_leftover(entry, before, device):
                yield entry
        except FileNotFoundError:
            continue  # Its owner has just removed it.


def _is_leftover(entry: Path, before: float, device: int) -> bool:
    status = entry.lstat()
    kept = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
    if not kept or status.st_uid != os.geteuid() or status.st_dev != device:
        return False
    newest = status.st_mtime
    for folder, folders, names in os.walk(entry):
        for name in (*folders, *names):
            below = Path(folder, name)
            found = below.lstat()
            newest = max(newest, found.st_mtime)
            if found.st_dev != device or (name == _LOCK and _held(below)):
                return False
    return newest < before


def _held(lock: Path) -> bool:
    """Return whether a process holds the data directory of this lock file."""
    try:
        handle = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return True  # What cannot be looked at is left alone.
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False
