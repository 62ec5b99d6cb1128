"""Cache sizes that an operator chose, and the frequent queries that a cold cache is warmed with."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cachetools import LRUCache

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.kernel.errors import TrimtabError
from trimtab.knowledge.encoder import Encoder
from trimtab.knowledge.search import Searcher
from trimtab.knowledge.store import UsageStore

# Asked so many times before, a query counts as known.
_OFTEN = 2


@dataclass(frozen=True, slots=True)
class CacheSizes:
    """Entries of each cache."""

    query: int
    embedding: int
    memory_mb: int = 0
    """What all caches may hold together."""


@dataclass(frozen=True, slots=True)
class WarmupResult:
    """What a warming did."""

    asked: int
    skipped: int
    """Queries that could not be answered, because their project is gone or the model is down."""


class QueryUsage:
    """Resizes and warms the caches, and counts what is asked."""

    def __init__(
        self, store: UsageStore, searcher: Searcher, encoder: Encoder, settings: KnowledgeSettings
    ) -> None:
        self._store = store
        self._searcher = searcher
        self._encoder = encoder
        self._settings = settings
        self._asked: Counter[tuple[int, str]] = Counter()
        self._often: LRUCache[tuple[int, str], int] = LRUCache(max(1, settings.frequent_queries))
        self._often.update(dict.fromkeys(store.asked_often(_OFTEN), _OFTEN))
        self._lock = threading.Lock()
        self._apply()

    def sizes(self) -> CacheSizes:
        """Return the sizes in force."""
        return CacheSizes(
            self._searcher.cache.stats().max_size,
            self._encoder.cache.stats().max_size,
            self._memory_mb,
        )

    def resize(self, sizes: CacheSizes) -> CacheSizes:
        """Use these sizes from now on, over restarts too; 0 returns to the setting. Returns the former sizes."""
        before = self.sizes()
        self._store.tune(
            {
                "query_cache": sizes.query,
                "embedding_cache": sizes.embedding,
                "cache_memory_mb": sizes.memory_mb,
            }
        )
        self._apply()
        return before

    def ask(self, project_key: int, query: str, learn: bool = True) -> bool:
        """Count a query, unless it is not to be remembered; return whether it was asked at least twice before."""
        if not self._settings.frequent_queries:
            return False
        key = (project_key, query)
        with self._lock:
            if not learn:
                return self._often.get(key, 0) >= _OFTEN
            self._asked[key] += 1
            self._often[key] = before = self._often.get(key, 0)
            if before < _OFTEN:
                self._often[key] = before + 1
            return before >= _OFTEN

    def flush(self) -> None:
        """Store the counts gathered since the last time."""
        with self._lock:
            asked, self._asked = self._asked, Counter()
        if asked:
            self._store.count(asked, self._settings.frequent_queries)

    def forget(self) -> int:
        """Forget what was asked, here and in the database; return how many queries that were."""
        with self._lock:
            count = len(self._asked.keys() | self._often.keys())
            self._asked.clear()
            self._often.clear()
        return max(count, self._store.forget())

    def frequent(self, limit: int) -> list[tuple[str, str]]:
        """Return project names and queries, the most frequent first."""
        self.flush()
        return self._store.frequent(limit)

    def warm(
        self, queries: Iterable[tuple[str, str]], top_k: int, stopped: Callable[[], bool]
    ) -> WarmupResult:
        """Ask each query once, by project name and text, so that the caches hold its answer.

        The first ones are asked last: when the cache is too small for all, these are the ones that stay.
        """
        asked = skipped = 0
        for project, query in reversed(list(queries)):
            if stopped():
                break
            try:
                self._searcher.prepare(project, query, top_k)
                asked += 1
            except TrimtabError:
                skipped += 1
        return WarmupResult(asked, skipped)

    def _apply(self) -> None:
        tuned = self._store.tuned()
        settings = self._settings
        self._memory_mb = tuned.get("cache_memory_mb", settings.max_cache_memory_mb)
        self._searcher.cache.limit_memory(self._memory_mb * 1024 * 1024 // 2)
        self._encoder.cache.limit_memory(self._memory_mb * 1024 * 1024 // 4)
        self._searcher.cache.resize(tuned.get("query_cache", settings.query_cache_entries))
        self._encoder.cache.resize(tuned.get("embedding_cache", settings.embedding_cache_entries))
