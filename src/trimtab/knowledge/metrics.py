"""Sliding-window counters and quantiles, and the figures of searches that signals show."""

import math
import threading
from collections import Counter, deque
from collections.abc import Iterable

from cachetools import LRUCache

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.kernel.clock import Clock

# A query asked this often before is a frequent one.
FREQUENT = 2
_DIVERSITY_QUERIES = 1000


class RecentCounts:
    """Named counts of the last ``seconds``, exact to a twentieth of them. Safe for many threads."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._width = seconds / 20
        self._buckets: deque[tuple[int, Counter[str]]] = deque()
        self._lock = threading.Lock()

    def add(self, *names: str) -> None:
        """Count what happened now, each name once."""
        number = int(self._clock.monotonic() / self._width)
        with self._lock:
            if not self._buckets or self._buckets[-1][0] != number:
                self._buckets.append((number, Counter()))
                self._forget(number)
            for name in names:
                self._buckets[-1][1][name] += 1

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


class SearchMetrics:
    """The figures of the recent searches of one kind of callers. Safe for many threads."""

    def __init__(self, settings: KnowledgeSettings, clock: Clock) -> None:
        self.durations = RecentValues(clock, settings.cache_window_seconds)
        self.crowding = RecentValues(clock, 60.0)
        """How many searches were under way when each began, itself included."""
        self.sizes = RecentValues(clock, settings.cache_window_seconds)
        """How many passages each search returned."""
        self.outcomes = RecentCounts(clock, settings.cache_window_seconds)
        """Counts ``full``, ``degraded``, ``refused`` and ``failed`` searches and ingestions."""
        self.queries: deque[int] = deque(maxlen=_DIVERSITY_QUERIES)
        """Hashes of the last normalized queries, not their texts, for `diversity`."""
        self._min_queries = settings.cache_window_lookups
        self._under_way = 0
        self._lock = threading.Lock()

    def enter(self) -> None:
        """Count a search that begins."""
        with self._lock:
            self._under_way += 1
            self.crowding.add(self._under_way)

    def leave(self, outcome: str, seconds: float, passages: int | None) -> None:
        """Count a search that ends.

        Args:
            outcome: See `outcomes`.
            seconds: How long it took.
            passages: How many it returned; None when it raised an error.
        """
        with self._lock:
            self._under_way -= 1
        self.outcomes.add(outcome)
        if passages is not None:
            self.durations.add(seconds)
            self.sizes.add(passages)

    def diversity(self) -> float:
        """Return distinct queries / queries: 1 if all differ, NaN when they are too few."""
        recent = list(self.queries)
        return len(set(recent)) / len(recent) if len(recent) >= self._min_queries else math.nan

    def share(self, outcome: str) -> float:
        """Return the share of an outcome among all recent ones; 0 when there were none."""
        totals = self.outcomes.totals()
        return totals[outcome] / max(1, sum(totals.values()))


class QueryCounter:
    """Counts queries by project to find the frequent ones. Safe for many threads.

    Args:
        most: Maximum number of queries to know; 0 counts none.
        frequent: Project keys and texts of queries that were frequent before the start.
    """

    def __init__(self, most: int, frequent: Iterable[tuple[int, str]]) -> None:
        self._most = most
        self._new: Counter[tuple[int, str]] = Counter()
        self._seen: LRUCache[tuple[int, str], int] = LRUCache(max(1, most))
        self._seen.update(dict.fromkeys(frequent, FREQUENT))
        self._lock = threading.Lock()

    def count(self, project_key: int, query: str, *, learn: bool = True) -> bool:
        """Count a query if ``learn``; return whether it was asked at least twice before."""
        if not self._most:
            return False
        key = (project_key, query)
        with self._lock:
            before = self._seen.get(key, 0)
            if learn:
                self._new[key] += 1
                self._seen[key] = min(before + 1, FREQUENT)
            return before >= FREQUENT

    def take(self) -> Counter[tuple[int, str]]:
        """Return the counts since the last call, to be stored."""
        with self._lock:
            counts, self._new = self._new, Counter()
        return counts

    def forget(self) -> int:
        """Drop all queries; return how many different ones were known."""
        with self._lock:
            count = len(self._new.keys() | self._seen.keys())
            self._new.clear()
            self._seen.clear()
        return count
