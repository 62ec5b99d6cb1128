"""Sliding-window counters and quantiles for signals."""

import math
import threading
from collections import Counter, deque

from trimtab.kernel.clock import Clock


class RecentCounts:
    """Named counts of the last ``seconds``, exact to a twentieth of them. Safe for many threads."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._width = seconds / 20
        self._buckets: deque[tuple[int, Counter[str]]] = deque()
        self._lock = threading.Lock()

    def add(self, name: str, count: int = 1) -> None:
        """Count something that happened now."""
        number = int(self._clock.monotonic() / self._width)
        with self._lock:
            if not self._buckets or self._buckets[-1][0] != number:
                self._buckets.append((number, Counter()))
                self._forget(number)
            self._buckets[-1][1][name] += count

    def totals(self) -> Counter[str]:
        """Return the sums over the window."""
        with self._lock:
            self._forget(int(self._clock.monotonic() / self._width))
            sums: Counter[str] = Counter()
            for _, counts in self._buckets:
                sums.update(counts)
            return sums

    def ratio(self, part: str, rest: str, least: int) -> float:
        """Return part / (part + rest), or NaN below ``least`` in all: too little to judge by."""
        totals = self.totals()
        whole = totals[part] + totals[rest]
        return totals[part] / whole if whole >= max(1, least) else math.nan

    def per_minute(self, name: str) -> float:
        """Return how often it happened a minute, over the window."""
        return self.totals()[name] * 60 / self._seconds

    def _forget(self, number: int) -> None:
        while self._buckets and self._buckets[0][0] <= number - 20:
            self._buckets.popleft()


class RecentValues:
    """The values of the last ``seconds``, at most ``most`` of them, for quantiles."""

    def __init__(self, clock: Clock, seconds: float, most: int = 2000) -> None:
        self._clock = clock
        self._seconds = seconds
        self._values: deque[tuple[float, float]] = deque(maxlen=most)
        self._lock = threading.Lock()

    def add(self, value: float) -> None:
        """Record a value now."""
        with self._lock:
            self._values.append((self._clock.monotonic(), value))

    def count(self) -> int:
        """Return how many values there were."""
        since = self._clock.monotonic() - self._seconds
        with self._lock:
            return sum(at >= since for at, _ in self._values)

    def quantile(self, share: float) -> float:
        """Return the value that this share does not exceed; NaN when there is none."""
        since = self._clock.monotonic() - self._seconds
        with self._lock:
            values = sorted(value for at, value in self._values if at >= since)
        if not values:
            return math.nan
        return values[min(len(values) - 1, math.ceil(share * len(values)) - 1)]
