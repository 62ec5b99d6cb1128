"""Mergeable latency histogram with three buckets an octave."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

_LOWEST = 2.0 ** (-13)
"""Upper bound of the first bucket in seconds: 0.12 ms."""
_PER_OCTAVE = 3
_BUCKETS = 22 * _PER_OCTAVE + 2
# 2 s, the threshold of the procedures, is a bound: whether p99 exceeds it is exact.
BOUNDS = _LOWEST * 2.0 ** (np.arange(_BUCKETS - 1) / _PER_OCTAVE)
"""Upper bounds in seconds, ascending; the last bucket has none."""


def _zeros() -> NDArray[np.int64]:
    return np.zeros(_BUCKETS, np.int64)


@dataclass(slots=True)
class LatencyHistogram:
    """Counts of durations by bucket; two of them merge by addition.

    A quantile errs by less than 26 %, the width of a bucket; a comparison with a bound is exact.
    """

    counts: NDArray[np.int64] = field(default_factory=_zeros)

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Self:
        """Return the histogram of durations in seconds."""
        found = cls()
        found.add(np.fromiter(seconds, np.float64))
        return found

    def add(self, seconds: NDArray[np.float64]) -> None:
        """Count durations; negative and missing ones are left out."""
        usable = seconds[np.isfinite(seconds) & (seconds >= 0)]
        buckets = np.searchsorted(BOUNDS, usable, side="left")
        self.counts += np.bincount(buckets, minlength=_BUCKETS)

    def merge(self, other: "LatencyHistogram") -> None:
        """Add the counts of another histogram."""
        self.counts += other.counts

    @property
    def total(self) -> int:
        """Return how many durations are counted."""
        return int(self.counts.sum())

    def quantile(self, share: float) -> float:
        """Return the quantile in seconds, interpolated in its bucket; NaN without durations."""
        total = self.total
        if not total:
            return math.nan
        rank = share * total
        below = np.cumsum(self.counts)
        bucket = int(np.searchsorted(below, rank, side="left"))
        if bucket >= len(BOUNDS):
            return float(BOUNDS[-1])
        upper = float(BOUNDS[bucket])
        lower = float(BOUNDS[bucket - 1]) if bucket else 0.0
        inside = int(self.counts[bucket])
        part = (rank - (int(below[bucket]) - inside)) / inside
        return lower + (upper - lower) * part
