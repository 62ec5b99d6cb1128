"""Metrics of searches and ingestions, for users and drills separately."""

import threading

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.kernel.clock import Clock
from trimtab.knowledge.caches import QueryDiversity
from trimtab.knowledge.rolling_stats import RecentCounts, RecentValues


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
        self.diversity = QueryDiversity(settings.cache_window_lookups)
        self._under_way = 0
        self._lock = threading.Lock()

    def enter(self) -> None:
        """Count a search that begins."""
        with self._lock:
            self._under_way += 1
            self.crowding.add(self._under_way)

    def leave(self) -> None:
        """Count a search that ends."""
        with self._lock:
            self._under_way -= 1

    def share(self, outcome: str) -> float:
        """Return the share of an outcome among all recent ones; 0 when there were none."""
        totals = self.outcomes.totals()
        return totals[outcome] / max(1, sum(totals.values()))
