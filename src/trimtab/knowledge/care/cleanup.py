"""Gives disk space back, by age at first, and down to the floors when the disk is nearly full."""

import gzip
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.kernel.clock import Clock
from trimtab.knowledge.care.backups import Backups

_GB = 1024**3
# When the disk is nearly full, backups are kept this long, then not at all beside the newest.
_HARDER = (timedelta(days=1), timedelta())


@dataclass(frozen=True, slots=True)
class Disk:
    """The data directory's disk."""

    total_bytes: int
    free_bytes: int

    @property
    def used_ratio(self) -> float:
        """Share of the disk that is in use, 0 to 1."""
        return 1 - self.free_bytes / self.total_bytes if self.total_bytes else 0.0


@dataclass(frozen=True, slots=True)
class CleanedUp:
    """What a clean-up did."""

    freed_bytes: dict[str, int]
    """By kind: ``logs``, ``snapshots``, ``temp``, ``backups``."""
    disk: Disk
    enough: bool
    """Whether the disk is within its floors now; otherwise it has to grow."""
    report: str
    """The contract's line."""


class Cleanup:
    """Cleans one data directory."""

    def __init__(
        self, folder: Path, backups: Backups, settings: KnowledgeSettings, clock: Clock
    ) -> None:
        self._folder = folder
        self._backups = backups
        self._settings = settings
        self._clock = clock
        self.budget_bytes = 0
        """How much the data directory may use; 0 means the whole disk."""

    def disk(self) -> Disk:
        """Return the size and the room left now: of the disk, or of the budget where that is less."""
        usage = shutil.disk_usage(self._folder)
        if not self.budget_bytes:
            return Disk(usage.total, usage.free)
        left = max(0, self.budget_bytes - self.data_bytes())
        return Disk(min(usage.total, self.budget_bytes), min(usage.free, left))

    def data_bytes(self) -> int:
        """Return what the data directory holds."""
        return _size(self._folder)

    def reclaimable(self) -> dict[str, int]:
        """Return the bytes that a clean-up by age would give back, by kind."""
        settings = self._settings
        ages = {
            "logs": settings.log_keep_days,
            "snapshots": settings.snapshot_keep_days,
            "temp": settings.temp_keep_days,
        }
        return {
            kind: sum(file.stat().st_size for file in self._files(kind) if self._older(file, days))
            for kind, days in ages.items()
        }

    def enough(self) -> bool:
        """Return whether the disk is within its floors, by percent and by bytes."""
        disk = self.disk()
        most = self._settings.disk_max_used_percent
        return disk.free_bytes >= self.floor_bytes() and disk.used_ratio * 100 <= most

    def floor_bytes(self) -> float:
        """Return how much has to stay free; 0 within a budget, for which only the share counts."""
        return 0.0 if self.budget_bytes else self._settings.disk_min_free_gb * _GB

    def run(self) -> CleanedUp:
        """Compress and remove what is old; when that is not enough, old backups too."""
        freed = {
            "logs": self._logs(),
            "snapshots": self._snapshots(),
            "temp": self._remove(self._files("temp"), self._settings.temp_keep_days),
            "backups": self._backups.prune(),
        }
        for keep in _HARDER:
            if not self.enough():
                freed["backups"] += self._backups.prune(keep)
        now = self._clock.now()
        return CleanedUp(
            freed, self.disk(), self.enough(), f"Disk cleanup complete at {now:%c} UTC"
        )

    def largest(self, most: int = 20) -> list[tuple[str, int]]:
        """Return what takes most room directly in the data directory, the largest first, in bytes."""
        sizes = [(entry.name, _size(entry)) for entry in self._folder.iterdir()]
        return sorted(sizes, key=lambda found: -found[1])[:most]

    def _logs(self) -> int:
        freed = 0
        for log in self._files("logs"):
            if log.suffix != ".gz" and self._older(log, self._settings.log_compress_days):
                freed += _compressed(log)
        zipped = (log for log in self._files("logs") if log.suffix == ".gz")
        return freed + self._remove(zipped, self._settings.log_keep_days)

    def _snapshots(self) -> int:
        freed = self._remove(self._files("snapshots"), self._settings.snapshot_keep_days)
        daily = [file for file in self._files("snapshots") if file.name.startswith("daily_")]
        daily.sort(key=lambda file: file.stat().st_mtime, reverse=True)
        return freed + sum(_unlinked(file) for file in daily[self._settings.snapshots_daily :])

    def _remove(self, files: Iterator[Path], days: float) -> int:
        return sum(_unlinked(file) for file in files if self._older(file, days))

    def _older(self, file: Path, days: float) -> bool:
        changed = datetime.fromtimestamp(file.stat().st_mtime, self._clock.now().tzinfo)
        return self._clock.now() - changed > timedelta(days=days)

    def _files(self, name: str) -> Iterator[Path]:
        folder = self._folder / name
        yield from (
            file for file in sorted(folder.rglob("*")) if file.is_file() and not file.is_symlink()
        )


def _compressed(log: Path) -> int:
    status = log.stat()
    target = log.with_name(f"{log.name}.gz")
    with log.open("rb") as source, gzip.open(target, "wb") as packed:
        shutil.copyfileobj(source, packed)
    os.utime(target, (status.st_atime, status.st_mtime))
    log.unlink()
    return status.st_size - target.stat().st_size


def _unlinked(file: Path) -> int:
    size = file.stat().st_size
    file.unlink(missing_ok=True)
    return size


def _size(entry: Path) -> int:
    """Return the bytes of a file, or of all files below a folder; what vanishes meanwhile counts as nothing."""
    if not entry.is_dir():
        return entry.lstat().st_size
    files = (Path(folder, name) for folder, _, names in os.walk(entry) for name in names)
    return sum(_bytes_of(file) for file in files)


def _bytes_of(file: Path) -> int:
    try:
        found = file.lstat()
    except FileNotFoundError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0
