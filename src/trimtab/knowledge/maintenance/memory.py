"""Memory of the process: size, growth, and objects by type."""

import gc
import logging
import math
from collections import Counter, deque
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

import psutil

from trimtab.infra.container_memory import ContainerMemory
from trimtab.kernel.clock import Clock
from trimtab.knowledge.maintenance.heap import counted, named

_log = logging.getLogger(__name__)
_MB = 1024 * 1024
_MAX_TYPES = 20
# Growth is judged over this time, as the operators' runbook watches it, in this many parts.
_WINDOW_SECONDS = 1800.0
_PARTS = 6
WARM_UP_SECONDS = 1800.0
"""How long after its start a process is not judged for its growth."""


@dataclass(frozen=True, slots=True)
class TypeCounts:
    """Objects in memory, counted by type."""

    resident_mb: float
    growth_mb_per_hour: float
    objects: dict[str, int]
    """The 20 most frequent types and how many there are of each."""


class MemoryUsage:
    """Watches this process.

    Args:
        limit_mb: What it may have; a lower limit of its container takes precedence.
    """

    def __init__(
        self, clock: Clock, limit_mb: int, container: ContainerMemory | None = None
    ) -> None:
        self._clock = clock
        self._limit_mb = min(limit_mb, (container or ContainerMemory()).limit_bytes() / _MB)
        self._process = psutil.Process()
        self._seen: deque[tuple[float, float]] = deque(maxlen=2000)
        self._warm_from = clock.monotonic() + WARM_UP_SECONDS

    def resident_mb(self) -> float:
        """Return the resident memory."""
        return float(self._process.memory_info().rss) / _MB

    def used_ratio(self) -> float:
        """Return the share of the allowed memory that is in use."""
        return self.resident_mb() / self._limit_mb

    def look(self) -> None:
        """Remember the present size; called at each heartbeat."""
        self._seen.append((self._clock.monotonic(), self.resident_mb()))

    def growth_mb_per_hour(self) -> float:
        """Return the memory growth over the last 30 minutes; NaN until 15 minutes are known.

        The first half hour of the process does not count: its caches, indexes and models fill then.

        It is the median of the growth in parts of five minutes: a leak grows in all of them, while
        loading a model or building an index shows in one.
        """
        now, width = self._clock.monotonic(), _WINDOW_SECONDS / _PARTS
        ends: dict[int, float] = {}
        for at, size in self._seen:
            if now - at < _WINDOW_SECONDS and at >= self._warm_from:
                ends[int((now - at) / width)] = size  # The last look of a part stays.
        by_age = [ends[part] for part in sorted(ends)]
        grown = [young - old for young, old in pairwise(by_age)]
        return median(grown) * 3600 / width if len(grown) >= _PARTS // 2 else math.nan

    def profile(self) -> TypeCounts:
        """Count the objects; takes a moment in a large process."""
        gc.collect()
        return TypeCounts(
            round(self.resident_mb(), 1),
            round(self.growth_mb_per_hour(), 1),
            dict(named(counted()).most_common(_MAX_TYPES)),
        )

    def log_profile(self) -> None:
        """Write a ``MEMORY_PROFILE`` line to the log."""
        found = self.profile()
        _log.info(
            "MEMORY_PROFILE",
            extra={
                "resident_mb": found.resident_mb,
                "growth_mb_per_hour": found.growth_mb_per_hour,
                "objects": found.objects,
            },
        )

    def dump(self, file: Path) -> TypeCounts:
        """Write types, counts and minimum sizes of all objects to a text file, never contents.

        A size is that of the objects alone, without what a container of many parts has grown by.
        """
        found = self.profile()
        sizes: Counter[str] = Counter()
        for kind, count in counted().items():
            sizes[kind.__name__] += count * kind.__basicsize__
        lines = [f"resident_mb {found.resident_mb}", "type count bytes"]
        lines += [f"{name} {count} {sizes[name]}" for name, count in found.objects.items()]
        lines += [f"largest {name} {size}" for name, size in sizes.most_common(_MAX_TYPES)]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return found
