"""Caches with a size, a memory bound, and figures that tell why they miss."""

import math
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from operator import itemgetter
from typing import Generic, TypeVar

from cachetools import Cache, LRUCache

from trimtab.kernel.clock import Clock
from trimtab.kernel.drilling import Apart
from trimtab.knowledge.metrics import RecentCounts

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
    """

    def __init__(self, limits: CacheLimits, clock: Clock) -> None:
        self._limits = limits
        # Entries with their sizes. Bounded here: cachetools cannot change its bound later.
        self._entries: LRUCache[Key, tuple[Entry, int]] = LRUCache(math.inf, itemgetter(1))
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
                mine.hits += 1
                mine.recent.add("hit")
                return found[0]
            mine.misses += 1
            regret = self._ghosts.pop(key, False) is None
            mine.recent.add("miss", "known" if known else "unknown", "regret" if regret else "new")
            return None

    def __contains__(self, key: Key) -> bool:
        """Return whether the entry is here; not counted."""
        return key in self._entries

    def put(self, key: Key, entry: Entry, size_bytes: int) -> None:
        """Keep the entry, dropping the longest unused ones where it needs room."""
        with self._lock:
            if size_bytes > self._max_bytes:
                return
            self._entries[key] = entry, size_bytes
            if len(self._entries) > self._max_entries or self._entries.currsize > self._max_bytes:
                self._shrink()

    def held_keys(self) -> list[Key]:
        """Return the keys held now."""
        with self._lock:
            return list(self._entries)

    def held(self) -> list[Entry]:
        """Return the entries held now."""
        with self._lock:
            # Past the lookup of `LRUCache`, which would make each the latest used.
            return [Cache.__getitem__(self._entries, key)[0] for key in self._entries]

    def discard(self, matches: Callable[[Key], bool]) -> int:
        """Drop the entries whose keys are wanted; return how many. Not counted as evictions."""
        with self._lock:
            keys = [key for key in self._entries if matches(key)]
            for key in keys:
                del self._entries[key]
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
                memory_bytes=int(self._entries.currsize),
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
        mine = self._apart.now
        while len(self._entries) > self._max_entries or self._entries.currsize > self._max_bytes:
            key, _ = self._entries.popitem()
            mine.evictions += 1
            mine.recent.add("eviction")
            self._ghosts[key] = None
