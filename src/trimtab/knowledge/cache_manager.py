"""Resizes, warms and empties the caches, and stores how often queries are asked."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.kernel.errors import TrimtabError
from trimtab.knowledge.caches import BoundedCache
from trimtab.knowledge.encoder import Encoder
from trimtab.knowledge.search import Searcher
from trimtab.knowledge.store import ProjectStore, UsageStore
from trimtab.knowledge.validation import validate_project_name


@dataclass(frozen=True, slots=True)
class CacheSizes:
    """Maximum entries of each cache, and memory of all."""

    query: int
    embedding: int
    memory_mb: int = 0
    """Memory that all caches together may use."""


@dataclass(frozen=True, slots=True)
class WarmupResult:
    """Number of queries that a cache warm-up ran and skipped."""

    asked: int
    skipped: int
    """Queries without an answer, because their project is gone or the model is down."""


class CacheManager:
    """Manages the query, embedding and text caches. Safe for many threads."""

    def __init__(
        self,
        store: UsageStore,
        projects: ProjectStore,
        searcher: Searcher,
        encoder: Encoder,
        texts: BoundedCache[tuple[str, str], str],
        settings: KnowledgeSettings,
    ) -> None:
        self._store = store
        self._projects = projects
        self._searcher = searcher
        self._encoder = encoder
        self._texts = texts
        self._settings = settings
        self._apply()

    def sizes(self) -> CacheSizes:
        """Return the sizes in force."""
        return CacheSizes(
            self._searcher.cache.stats().max_size,
            self._encoder.cache.stats().max_size,
            self._memory_mb,
        )

    def resize(self, sizes: CacheSizes) -> CacheSizes:
        """Change the sizes, over restarts too; return the former ones. 0 restores the setting."""
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

    def reload(self, _sizes: object = None) -> None:
        """Put the stored sizes in force, which another process may have changed."""
        self._apply()

    def flush(self) -> None:
        """Store the counts gathered since the last call."""
        if counts := self._searcher.queries.take():
            self._store.count(counts, self._settings.frequent_queries)

    def forget_queries(self) -> int:
        """Delete all counted queries, here and in the database; return their number.

        They carry no user id, so an erasure cannot pick those of one person.
        """
        return max(self._searcher.queries.forget(), self._store.forget())

    def frequent_queries(self, limit: int) -> list[tuple[str, str]]:
        """Return project names and queries, the most frequent first."""
        self.flush()
        return self._store.frequent(limit)

    def select_queries(
        self, top: int, project: str = "", queries: Sequence[str] = ()
    ) -> list[tuple[str, str]]:
        """Return project names and queries to warm the caches with.

        Args:
            top: Maximum number of queries.
            project: Only of this project; empty means all.
            queries: Use these instead of the frequent ones; see `parse_query_list`.
        """
        names = (validate_project_name(project),) if project else self._projects.names()
        if queries:
            return [(name, query) for name in names for query in queries[:top]]
        return [found for found in self.frequent_queries(top) if found[0] in names]

    def warm(
        self, queries: Iterable[tuple[str, str]], top_k: int, is_stopped: Callable[[], bool]
    ) -> WarmupResult:
        """Search for each query in its project and cache the results.

        The first ones are searched last: when the cache is too small for all, these stay.
        """
        asked = skipped = 0
        for project, query in reversed(list(queries)):
            if is_stopped():
                break
            try:
                self._searcher.prepare(project, query, top_k)
                asked += 1
            except TrimtabError:
                skipped += 1
        return WarmupResult(asked, skipped)

    def empty(self) -> int:
        """Drop every cached result, vector and text; return their number."""
        return sum(
            cache.discard(lambda _: True)
            for cache in (self._searcher.cache, self._encoder.cache, self._texts)
        )

    def forget_all(self) -> None:
        """Drop everything in memory that was read from a database that was replaced."""
        self._searcher.forget_all()
        self._texts.discard(lambda _: True)

    def held_documents(self) -> set[str]:
        """Return the ids of documents of which a cache holds a passage or the text."""
        return self._searcher.held_documents() | {key[0] for key in self._texts.held_keys()}

    def _apply(self) -> None:
        tuned = self._store.tuned()
        settings = self._settings
        self._memory_mb = tuned.get("cache_memory_mb", settings.max_cache_memory_mb)
        self._searcher.cache.limit_memory(self._memory_mb * 1024 * 1024 // 2)
        self._encoder.cache.limit_memory(self._memory_mb * 1024 * 1024 // 4)
        self._searcher.cache.resize(tuned.get("query_cache", settings.query_cache_entries))
        self._encoder.cache.resize(tuned.get("embedding_cache", settings.embedding_cache_entries))
