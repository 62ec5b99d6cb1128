"""Predicts when the disk will be full, from a full day of measurements."""

import math
from collections import deque
from statistics import linear_regression

from trimtab.kernel.clock import Clock
from trimtab.knowledge.maintenance.space import Disk

_EVERY_SECONDS = 600.0
_DAY_SECONDS = 86_400.0


class DiskTrend:
    """Free space of the last day, one measurement every ten minutes.

    A day is needed because use follows the day: an hour of ingestion is not a trend.

    Args:
        clock: Dates the measurements.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._total = 0
        self._seen: deque[tuple[float, int]] = deque()

    def look(self, disk: Disk) -> None:
        """Measure the disk when due; a changed size of disk or budget starts a new series."""
        now = self._clock.monotonic()
        if disk.total_bytes != self._total:
            self._total = disk.total_bytes
            self._seen.clear()
        if self._seen and now - self._seen[-1][0] < _EVERY_SECONDS:
            return
        self._seen.append((now, disk.free_bytes))
        while len(self._seen) > 2 and now - self._seen[1][0] >= _DAY_SECONDS:
            self._seen.popleft()

    def full_in_seconds(self) -> float:
        """Return the seconds until the disk is full at the last day's pace; NaN if unknown."""
        seen = tuple(self._seen)
        if not seen or seen[-1][0] - seen[0][0] < _DAY_SECONDS:
            return math.nan
        slope = linear_regression(*zip(*seen, strict=True)).slope
        return seen[-1][1] / -slope if slope < 0 else math.nan
