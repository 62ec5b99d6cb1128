"""Frees disk space: deletes expired files, then compresses logs as far as space allows.

Works on a completely full disk: it deletes before it writes, and writes nothing that does not fit.
"""

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from trimtab.infra.compress import NoRoom, compress
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.telemetry.log_files import ACTIVE_LOG
from trimtab.infra.temporary import leftovers
from trimtab.kernel.clock import Clock
from trimtab.kernel.health import ComponentHealth, Status
from trimtab.knowledge.maintenance.backups import Backups
from trimtab.knowledge.maintenance.disk_trend import DiskTrend
from trimtab.knowledge.maintenance.space import (
    Disk,
    allocated_bytes,
    disk_of,
    free_bytes,
    largest,
)

_log = logging.getLogger(__name__)
_GB = 1024**3
_DAY_SECONDS = 86_400
# When the disk is nearly full, backups are kept this long; then only the newest stays.
_HARDER = (timedelta(days=1), timedelta())
_FLOOR_SHARE = 0.1
"""Maximum share of the disk for the floor: on a small disk, 5 GB would be all of it."""
FULL_BYTES = 1024 * 1024
"""With less than this much free, a commit of a few pages may fail."""
_NEXT = "`trimtab act knowledge.disk.clean_up` frees space."


@dataclass(frozen=True, slots=True)
class CleanupResult:
    """Result of a clean-up."""

    freed_bytes: dict[str, int]
    """Freed bytes by kind: ``logs``, ``snapshots``, ``temp``, ``backups``, ``set_aside``."""
    measured_bytes: int
    """Growth of free space on the file system; negative when others wrote more meanwhile."""
    uncompressed: tuple[str, ...]
    """Logs that stay as they are because their compressed files do not fit."""
    disk: Disk
    enough: bool
    """Whether the disk is within its floors now; otherwise it has to grow."""
    report: str
    """The contract's line."""

    def facts(self) -> dict[str, object]:
        """Return the numbers, JSON-ready."""
        return {
            "freed_bytes": self.freed_bytes,
            "measured_bytes": self.measured_bytes,
            "uncompressed": list(self.uncompressed),
            "enough": self.enough,
        }


class Cleanup:
    """Cleans one data directory, and what trimtab left in the system's temporary folder.

    Args:
        folder: The data directory.
        backups: Its backups.
        settings: Ages and floors.
        clock: Whose time the ages are measured against.
        temporary: The system's temporary folder; by default the one of this process.
    """

    def __init__(
        self,
        folder: Path,
        backups: Backups,
        settings: KnowledgeSettings,
        clock: Clock,
        temporary: Path | None = None,
    ) -> None:
        self._folder = folder
        self._backups = backups
        self._settings = settings
        self._clock = clock
        self._temporary = temporary
        self.budget_bytes = 0
        """How much the data directory may use; 0 means the whole disk."""
        self.reclaimable_ratios: dict[str, float] = {}
        """Share of the disk space in use that `run` would free, by kind, at the last look."""
        self.largest_entries: list[tuple[str, int]] = []
        """What took most space in the data directory at the last look: names and bytes."""
        self.trend = DiskTrend(clock)

    def look(self) -> None:
        """Measure what takes long to measure; called at each heartbeat."""
        disk = self.disk()
        used = max(1, disk.total_bytes - disk.free_bytes)
        self.reclaimable_ratios = {
            kind: min(1.0, size / used) for kind, size in self.reclaimable().items()
        }
        self.largest_entries = self.largest()
        self.trend.look(disk)

    def disk(self) -> Disk:
        """Return total and free bytes: of the disk, or of the budget where that is smaller."""
        disk = disk_of(self._folder)
        if not self.budget_bytes:
            return disk
        left = max(0, self.budget_bytes - self.data_bytes())
        return Disk(min(disk.total_bytes, self.budget_bytes), min(disk.free_bytes, left))

    def data_bytes(self) -> int:
        """Return the disk space that the data directory takes."""
        return allocated_bytes(self._folder)

    def reclaimable(self) -> dict[str, int]:
        """Return the bytes that a clean-up by age would free, by kind, without compression."""
        return {
            "logs": sum(map(allocated_bytes, self._expired_logs())),
            "snapshots": sum(map(allocated_bytes, self._old_snapshots())),
            "temp": sum(map(allocated_bytes, self._old_temporary())),
            "backups": sum(backup.size_bytes for backup in self._backups.expired()),
            "set_aside": sum(map(allocated_bytes, self._old_set_aside())),
        }

    def compressible_bytes(self) -> int:
        """Return the size of the logs that a clean-up would try to compress."""
        expired = set(self._expired_logs())
        return sum(allocated_bytes(log) for log in self._old_logs() if log not in expired)

    def spare_backup_bytes(self) -> int:
        """Return the size of the backups removable on a nearly full disk, without expired ones."""
        usual = {backup.path for backup in self._backups.expired()}
        spare = self._backups.expired(_HARDER[-1])
        return sum(backup.size_bytes for backup in spare if backup.path not in usual)

    def enough(self) -> bool:
        """Return whether the disk is within its floors, by percent and by bytes."""
        disk = self.disk()
        most = self._settings.disk_max_used_percent
        return disk.free_bytes >= self.floor_bytes() and disk.used_ratio * 100 <= most

    def floor_bytes(self) -> float:
        """Return the bytes to keep free: the setting, or 10 % of a smaller disk; 0 in a budget."""
        if self.budget_bytes:
            return 0.0
        total = disk_of(self._folder).total_bytes
        return min(self._settings.disk_min_free_gb * _GB, total * _FLOOR_SHARE)

    def health(self) -> ComponentHealth:
        """Tell whether there is space to write, for `Health`."""
        disk = self.disk()
        facts = {"free_bytes": disk.free_bytes, "used_ratio": round(disk.used_ratio, 4)}
        free = f"{disk.free_bytes // 1024**2} MB of {disk.total_bytes // 1024**2} MB are free"
        if free_bytes(self._folder) < FULL_BYTES:
            return ComponentHealth(
                Status.DOWN,
                f"The disk of {self._folder} is full ({free}): writes are refused with "
                f"storage.full, "
                f"reads continue. "
                f"{_NEXT}",
                facts=facts,
            )
        if not self.enough():
            return ComponentHealth(Status.DEGRADED, f"Nearly full: {free}. {_NEXT}", facts=facts)
        return ComponentHealth(Status.UP, facts=facts)

    def run(self) -> CleanupResult:
        """Remove expired files, then compress older logs; on a nearly full disk, remove more."""
        before = free_bytes(self._folder)
        freed = {
            "temp": self._remove_all(self._old_temporary()),
            "logs": self._remove_all(self._expired_logs()),
            "snapshots": self.remove_old_snapshots(),
            "backups": self._backups.prune(),
            "set_aside": self._remove_all(self._old_set_aside()),
        }
        saved, waiting = self._compress(self._old_logs())
        freed["logs"] += saved
        for keep in _HARDER:
            if not self.enough():
                freed["backups"] += self._backups.prune(keep)
        saved, waiting = self._compress(waiting)
        freed["logs"] += saved + self._drop(waiting)
        now = self._clock.now()
        return CleanupResult(
            freed,
            free_bytes(self._folder) - before,
            tuple(log.name for log in waiting if log.exists()),
            self.disk(),
            self.enough(),
            f"Disk cleanup complete at {now:%c} UTC",
        )

    def remove_old_snapshots(self) -> int:
        """Remove snapshots past their age or number; return the bytes freed."""
        return self._remove_all(self._old_snapshots())

    def largest(self, limit: int = 20) -> list[tuple[str, int]]:
        """Return the largest entries of the data directory with their bytes, largest first."""
        return largest(self._folder, limit)

    def _drop(self, logs: Iterable[Path]) -> int:
        """Remove the oldest logs that do not fit compressed, while the disk is below its floors."""
        freed = 0
        for log in logs:
            if self.enough():
                break
            _log.warning("a log was removed: the disk is full", extra={"file": log.name})
            freed += self._remove(log)
        return freed

    def _compress(self, logs: Iterable[Path]) -> tuple[int, list[Path]]:
        """Compress the logs that fit; return the bytes freed, and those that do not fit."""
        freed, waiting = 0, []
        for log in logs:
            try:
                freed += compress(log)
            except FileNotFoundError:
                continue
            except NoRoom:
                waiting.append(log)
            except OSError as error:
                _log.warning(
                    "a log cannot be compressed", extra={"file": log.name, "reason": str(error)}
                )
        return freed, waiting

    def _expired_logs(self) -> list[Path]:
        return self._aged(self._logs(), self._settings.log_keep_days)

    def _old_logs(self) -> list[Path]:
        """Return the logs that are to be compressed, the oldest first."""
        plain = [log for log in self._logs() if log.suffix != ".gz"]
        return self._aged(plain, self._settings.log_compress_days)

    def _logs(self) -> Iterator[Path]:
        active = self._folder / "logs" / ACTIVE_LOG
        return (log for log in self._files("logs") if log != active)

    def _old_snapshots(self) -> list[Path]:
        files = list(self._files("snapshots"))
        old = self._aged(files, self._settings.snapshot_keep_days)
        daily = [file for file in files if file.name.startswith("daily_") and file not in old]
        daily.sort(key=_changed, reverse=True)
        return [*old, *daily[self._settings.snapshots_daily :]]

    def _old_temporary(self) -> list[Path]:
        days = self._settings.temp_keep_days
        before = self._clock.now().timestamp() - days * _DAY_SECONDS
        own = [*self._files("temp"), *self._backups.partials()]
        return [*self._aged(own, days), *leftovers(before, self._temporary)]

    def _old_set_aside(self) -> list[Path]:
        """Return damaged files that a restore kept, when the backups of their time are gone too."""
        return self._aged(self._backups.set_aside(), self._settings.backup_keep_days)

    def _aged(self, files: Iterable[Path], days: float) -> list[Path]:
        """Return the files unchanged for this many days, oldest first."""
        before = self._clock.now().timestamp() - days * _DAY_SECONDS
        dated = sorted((_changed(file), file) for file in files)
        return [file for changed, file in dated if changed < before]

    def _files(self, name: str) -> Iterator[Path]:
        folder = self._folder / name
        yield from (
            file for file in sorted(folder.rglob("*")) if file.is_file() and not file.is_symlink()
        )

    def _remove_all(self, entries: Iterable[Path]) -> int:
        return sum(map(self._remove, entries))

    def _remove(self, entry: Path) -> int:
        size = allocated_bytes(entry)
        try:
            _unlink(entry)
        except OSError as error:
            _log.warning("not removed", extra={"file": entry.name, "reason": str(error)})
            return size - allocated_bytes(entry)
        return size


def _unlink(entry: Path) -> None:
    remove: Callable[[Path], object] = shutil.rmtree if entry.is_dir() else Path.unlink
    try:
        remove(entry)
    except FileNotFoundError:
        return  # Somebody else was faster.


def _changed(file: Path) -> float:
    """Return when the file changed, in seconds since the epoch; infinity when it has vanished."""
    try:
        return file.lstat().st_mtime
    except FileNotFoundError:
        return float("inf")
