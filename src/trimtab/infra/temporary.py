"""Finds temporary files that trimtab left in the system's temporary folder."""

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
    "trimtab-outage-",
    "trimtab-selftest-",
)
"""Name prefixes of trimtab's temporary files; other files in that folder are never touched."""
_LOCK = "trimtab.lock"


def leftovers(before: float, folder: Path | None = None) -> Iterator[Path]:
    """Yield this user's trimtab temporary files and folders unchanged since ``before``.

    Links, other users' files, mount points and locked data directories are skipped.

    Args:
        before: Seconds since the epoch.
        folder: The folder to search; by default the system's temporary folder.
    """
    where = Path(tempfile.gettempdir()) if folder is None else folder
    try:
        device = where.stat().st_dev
        # Only names are needed, which `Path.iterdir` would wrap in objects.
        names = sorted(name for name in os.listdir(where) if name.startswith(PREFIXES))  # noqa: PTH208
    except OSError:
        return
    for name in names:
        entry = where / name
        try:
            if _is_leftover(entry, before, device):
                yield entry
        except FileNotFoundError:
            continue  # Removed since the folder was listed.


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
    """Return whether a process holds this lock file of a data directory."""
    try:
        handle = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return True  # Cannot be checked, so treat it as in use.
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False
