"""Measures disk space: of the file system, of a budget, and of what lies in a folder."""

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trimtab.infra.compress import BLOCK_BYTES


@dataclass(frozen=True, slots=True)
class Disk:
    """The data directory's disk."""

    total_bytes: int
    free_bytes: int

    @property
    def used_ratio(self) -> float:
        """Share of the disk that is in use, 0 to 1."""
        return 1 - self.free_bytes / self.total_bytes if self.total_bytes else 0.0


def disk_of(folder: Path) -> Disk:
    """Return the size and the free space of the folder's file system, as `df` computes its `Use%`.

    Blocks that only the administrator may use are not part of the size: what the service cannot
    write is neither used by it nor free.
    """
    usage = shutil.disk_usage(folder)
    return Disk(usage.used + usage.free, usage.free)


def free_bytes(folder: Path) -> int:
    """Return how much an unprivileged process can still write to the folder's file system."""
    return shutil.disk_usage(folder).free


def allocated_bytes(entry: Path) -> int:
    """Return the disk space of a file or folder: blocks in use, not lengths."""
    return sum(found.st_blocks * BLOCK_BYTES for found in _files_of(entry))


def largest(folder: Path, limit: int) -> list[tuple[str, int]]:
    """Return the entries of a folder by disk space, with all below them, largest first.

    Entries of the same size come by name. What vanishes meanwhile counts as nothing.
    """
    with os.scandir(folder) as entries:
        sizes = [(entry.name, allocated_bytes(Path(entry.path))) for entry in entries]
    return sorted(sizes, key=lambda found: (-found[1], found[0]))[:limit]


def _files_of(entry: Path) -> Iterator[os.stat_result]:
    found = _status(entry)
    if found is None:
        return
    if stat.S_ISREG(found.st_mode):
        yield found
    elif stat.S_ISDIR(found.st_mode):
        for folder, _, names in os.walk(entry):
            for name in names:
                below = _status(Path(folder, name))
                if below is not None and stat.S_ISREG(below.st_mode):
                    yield below


def _status(file: Path) -> os.stat_result | None:
    try:
        return file.lstat()
    except FileNotFoundError:
        return None


def usage_facts(disk: Disk, largest: list[tuple[str, int]]) -> dict[str, Any]:
    """Return the use of the disk and the largest entries of the data directory, JSON-ready."""
    return {
        "total_bytes": disk.total_bytes,
        "free_bytes": disk.free_bytes,
        "used_ratio": disk.used_ratio,
        "largest": [{"name": name, "bytes": size} for name, size in largest],
    }
