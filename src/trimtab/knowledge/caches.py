"""Caches with a size, a memory bound, and figures that tell why they miss."""

import math
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cachetools import LRUCache

from trimtab.kernel.clock import Clock
from trimtab.kernel.drilling import Apart
from trimtab.knowledge.rolling_stats import RecentCounts

Key = TypeVar("Key", bound=Hashable)
Entry = TypeVar("Entry")
# How many times its size a cache remembers the keys that it dropped.
_GHOSTS = 20


@dataclass(frozen=True, slots=True)
class CacheStats:
    """A cache as ``/api/v1/stats`` shows it."""

    size: int
    max_size: int
    memory_bytes: int
    hits: int
    misses: int
    evictions: int
    hit_ratio: float | None
    """Of the recent lookups; None below the least number that can be judged by."""


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """Size limits of a cache, and the window of its ratios."""

    entries: int
    memory_bytes: int
    window_seconds: float
    window_lookups: int


class _Lookups:
    """Lookup counters of one kind of callers: users or drills."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.recent = RecentCounts(clock, seconds)
        self.hits = self.misses = self.evictions = 0


class BoundedCache(Generic[Key, Entry]):
    """LRU cache bounded by entries and bytes. Safe for many threads.

    Lookups of drills are counted separately; ``drill`` selects their figures.

    Args:
        limits: How much it holds.
        weigh: An entry's size in bytes, roughly.
        clock: For the recent figures.
    """

    def __init__(self, limits: CacheLimits, weigh: Callable[[Entry], int], clock: Clock) -> None:
        self._weigh = weigh
        self._limits = limits
        self._entries: OrderedDict[Key, tuple[Entry, int]] = OrderedDict()
        self._bytes = 0
        self._max_entries = limits.entries
        self._max_bytes = limits.memory_bytes
        self._ghosts: LRUCache[Key, None] = LRUCache(max(100, limits.entries * _GHOSTS))
        self._apart = Apart(lambda: _Lookups(clock, limits.window_seconds))
        self._lock = threading.Lock()

    def get(self, key: Key, *, known: bool = False) -> Entry | None:
        """Return the entry, or None; both are counted.

        Args:
            key: Of the entry.
            known: Whether this was asked often before, so that warming would have helped.
        """
        with self._lock:
            mine = self._apart.now
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
                mine.hits += 1
                mine.recent.add("hit")
                return found[0]
            mine.misses += 1
            mine.recent.add("miss")
            mine.recent.add("known" if known else "unknown")
            mine.recent.add("regret" if self._ghosts.pop(key, False) is None else "new")
            return None

    def __contains__(self, key: Key) -> bool:
        """Return whether the entry is here; not counted."""
        return key in self._entries

    def put(self, key: Key, entry: Entry) -> None:
        """Keep the entry, dropping the longest unused ones where it needs room."""
        weight = self._weigh(entry)
        with self._lock:
            if weight > self._max_bytes:
                return
            self._drop(key)
            self._entries[key] = (entry, weight)
            self._bytes += weight
            self._shrink()

    def held_keys(self) -> list[Key]:
        """Return the keys held now."""
        with self._lock:
            return list(self._entries)

    def held(self) -> list[Entry]:
        """Return the entries held now."""
        with self._lock:
            return [entry for entry, _ in self._entries.values()]

    def discard(self, matches: Callable[[Key], bool]) -> int:
        """Drop the entries whose keys are wanted; return how many. Not counted as evictions."""
        with self._lock:
            keys = [key for key in self._entries if matches(key)]
            for key in keys:
                self._drop(key)
            return len(keys)

    def resize(self, entries: int) -> int:
        """Change the maximum number of entries; return the former one."""
        with self._lock:
            before, self._max_entries = self._max_entries, entries
            kept = LRUCache[Key, None](max(100, entries * _GHOSTS))
            kept.update(dict.fromkeys(list(self._ghosts)[-int(kept.maxsize) :]))
            self._ghosts = kept
            self._shrink()
            return before

    def limit_memory(self, max_bytes: int) -> None:
        """Change the maximum number of bytes."""
        with self._lock:
            self._max_bytes = max_bytes
            self._shrink()

    def stats(self, *, drill: bool = False) -> CacheStats:
        """Return its figures now."""
        ratio, counted = self.hit_ratio(drill=drill), self._apart.of(drill=drill)
        with self._lock:
            return CacheStats(
                size=len(self._entries),
                max_size=self._max_entries,
                memory_bytes=self._bytes,
                hits=counted.hits,
                misses=counted.misses,
                evictions=counted.evictions,
                hit_ratio=None if math.isnan(ratio) else round(ratio, 4),
            )

    def hit_ratio(self, *, drill: bool = False) -> float:
        """Return the share of the recent lookups that hit; NaN when they are too few."""
        return self._recent(drill).ratio("hit", "miss", self._limits.window_lookups)

    def regret_ratio(self, *, drill: bool = False) -> float:
        """Return the share of recent misses for entries dropped for lack of room."""
        least = max(1, self._limits.window_lookups // 4)
        return self._recent(drill).ratio("regret", "new", least)

    def known_miss_ratio(self, *, drill: bool = False) -> float:
        """Return the share of recent misses for frequent queries: warming prevents those."""
        least = max(1, self._limits.window_lookups // 4)
        return self._recent(drill).ratio("known", "unknown", least)

    def evictions_per_minute(self, *, drill: bool = False) -> float:
        """Return how many entries a minute were dropped for lack of room, recently."""
        return self._recent(drill).per_minute("eviction")

    def _recent(self, drill: bool) -> RecentCounts:
        return self._apart.of(drill=drill).recent

    def _shrink(self) -> None:
        while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
            key, (_, weight) = self._entries.popitem(last=False)
            self._bytes -= weight
            self._apart.now.evictions += 1
            self._apart.now.recent.add("eviction")
            self._ghosts[key] = None

    def _drop(self, key: Key) -> None:
        found = self._entries.pop(key, None)
        if found is not None:
            self._bytes -= found[1]


class QueryDiversity:
    """Return the diversity of recent queries: 1 when no two were the same."""

    def __init__(self, least: int, most: int = 1000) -> None:
        self._least = least
        self._recent: deque[int] = deque(maxlen=most)
        self._lock = threading.Lock()

    def add(self, query: Hashable) -> None:
        """Record a query."""
        with self._lock:
            self._recent.append(hash(query))

    def ratio(self) -> float:
        """Return distinct queries / queries; NaN when they are too few."""
        with self._lock:
            if len(self._recent) < self._least:
                return math.nan
            return len(set(self._recent)) / len(self._recent)
