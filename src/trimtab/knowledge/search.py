"""Hybrid search: keywords and vectors ranked together, keywords alone when degraded."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.drilling import OWN_PROJECT, Apart, in_drill
from trimtab.kernel.errors import TrimtabError
from trimtab.knowledge.caches import BoundedCache, CacheLimits
from trimtab.knowledge.encoder import Encoder
from trimtab.knowledge.engine_port import SearchFilter
from trimtab.knowledge.errors import (
    EmbedderUnavailable,
    EngineBehind,
    IndexUnavailable,
    QueryInvalid,
    is_failure,
)
from trimtab.knowledge.indexes import Indexes, LoadedIndex
from trimtab.knowledge.ranking import SearchableIndex, highlights, rank
from trimtab.knowledge.records import FoundPassage, SearchResult
from trimtab.knowledge.search_metrics import SearchMetrics
from trimtab.knowledge.store import ProjectRow, ProjectStore, SearchStore
from trimtab.knowledge.store.search import StoredChunk
from trimtab.knowledge.validation import normalize_query, validate_query

_log = logging.getLogger(__name__)
MAX_TOP_K = 100
MAX_OFFSET = 1000
MODEL_DOWN = "embedding_model_unavailable"
STORE_DOWN = "vector_store_unavailable"
WORDS_WANTED = "words_only_wanted"
INDEX_BUILDING = "index_building"
# Hits whose rows were deleted are dropped, so a few more are ranked than requested.
_SPARE = 20


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """Options of one search."""

    top_k: int = 10
    offset: int = 0
    tags: tuple[str, ...] = ()
    """Only documents that have all of them."""
    labels: tuple[str, ...] | None = None
    """The caller's access labels; labelled documents need a shared one. None sees everything."""
    meaning: bool = True
    """Whether vectors count too; keywords alone cost a fraction."""


_QueryKey = tuple[int, int, str, SearchRequest]


@dataclass(frozen=True, slots=True)
class _Hit:
    key: int
    score: float
    keyword_score: float | None
    cosine: float | None


@dataclass(frozen=True, slots=True)
class _Hits:
    """Ranked passages of one query."""

    hits: list[_Hit]
    reason: str
    """Why the search is degraded; empty when it is not."""
    highlight: Callable[[str], tuple[tuple[int, int], ...]]


class Searcher:
    """Answers queries from the indexes, the store and the query cache."""

    def __init__(
        self,
        projects: ProjectStore,
        store: SearchStore,
        encoder: Encoder,
        indexes: Indexes,
        settings: KnowledgeSettings,
        clock: Clock,
    ) -> None:
        self._projects = projects
        self._store = store
        self._encoder = encoder
        self._indexes = indexes
        self._machine = machine_clock(clock)
        self._log_queries = settings.log_queries
        self.on_query: Callable[[int, str, bool], bool] = lambda _key, _query, _learn: False
        """Called with project key and text of each query, and whether to count it; returns whether
        it is a frequent one."""
        self.metrics = Apart(lambda: SearchMetrics(settings, clock))
        self.cache: BoundedCache[_QueryKey, SearchResult] = BoundedCache(
            CacheLimits(
                settings.query_cache_entries,
                settings.max_cache_memory_mb * 1024 * 1024 // 2,
                settings.cache_window_seconds,
                settings.cache_window_lookups,
            ),
            _estimate_bytes,
            clock,
        )

    def search(self, project: str, query: str, request: SearchRequest) -> SearchResult:
        """Return the best passages; see `Knowledge.search`."""
        started, metrics = self._machine.monotonic(), self.metrics.now
        metrics.enter()
        try:
            text = validate_query(query)
            _check_range(request)
            row = self._projects.find(project)
            # Queries of drills in lasting projects must not warm the caches of users later.
            learn = not in_drill() or row.name.startswith(OWN_PROJECT)
            frequent = self.on_query(row.key, text, learn)
            request = self._narrow_labels(row, request)
            key = _query_key(row, text, request)
            metrics.diversity.add(key[2])
            result = self.cache.get(key, known=frequent)
            if result is not None:
                result = replace(result, cache_hit=True)
            else:
                result = self._retrieve(row, text, request)
                if not result.degraded_mode:
                    self.cache.put(key, result)
        except TrimtabError as error:
            metrics.outcomes.add("failed" if is_failure(error) else "refused")
            raise
        finally:
            metrics.leave()
        duration_ms = (self._machine.monotonic() - started) * 1000
        self._record(project, query, duration_ms, result)
        return replace(result, duration_ms=round(duration_ms, 3))

    def is_cached(self, project: str, query: str, request: SearchRequest) -> bool:
        """Return whether `search` will answer from the cache, without the database."""
        row = self._projects.remembered(project)
        if row is None or (request.labels is not None and self._store.labels.known(row) is None):
            return False
        return _query_key(row, query, self._narrow_labels(row, request)) in self.cache

    def prepare(self, project: str, query: str, top_k: int) -> None:
        """Cache the query's result without counting the query.

        Raises:
            EmbedderUnavailable: The model or the index is down; degraded results are not cached.
        """
        text = validate_query(query)
        row = self._projects.find(project)
        request = self._narrow_labels(row, SearchRequest(top_k, labels=()))
        result = self._retrieve(row, text, request)
        if result.degraded_mode:
            raise EmbedderUnavailable(f"Only words can be compared now: {result.reason}.")
        self.cache.put(_query_key(row, text, request), result)

    def forget(self, project_key: int) -> None:
        """Drop the project's cached results."""
        self.cache.discard(lambda key: key[0] == project_key)

    def forget_all(self) -> None:
        """Drop everything in memory that was read from the database."""
        self.cache.discard(lambda _: True)
        self._indexes.restart()

    def held_documents(self) -> set[str]:
        """Return the ids of documents with passages in the cache."""
        return {passage.document_id for result in self.cache.held() for passage in result.passages}

    def _narrow_labels(self, row: ProjectRow, request: SearchRequest) -> SearchRequest:
        """Keep only the caller's labels that documents of the project have; None if there are none.

        Most projects have no labels: their searches need no filter, and all callers share one
        cached result.
        """
        if request.labels is None:
            return request
        used = self._store.labels.in_use(row)
        mine = tuple(label for label in request.labels if label in used) if used else None
        return request if mine == request.labels else replace(request, labels=mine)

    def _retrieve(self, row: ProjectRow, text: str, request: SearchRequest) -> SearchResult:
        """Rank the project's passages and read the rows of the best."""
        allowed = None
        if request.tags or request.labels is not None:
            allowed = self._store.allowed(row.key, request.tags, request.labels)
        limit = request.offset + request.top_k
        index, reason = self._open_index(row, request)
        if index is None:
            found = self._full_text(row, text, limit + _SPARE, allowed, reason)
        else:
            found = self._rank(row, index, text, request, allowed)
        best = self._read_existing(row, found.hits, limit)[request.offset :]
        return SearchResult(
            tuple(_passage(chunk, hit, found.highlight) for hit, chunk in best),
            degraded_mode=bool(found.reason),
            cache_hit=False,
            index_version=row.index_version,
            duration_ms=0.0,
            reason=found.reason,
        )

    def _open_index(
        self, row: ProjectRow, request: SearchRequest
    ) -> tuple[LoadedIndex | None, str]:
        """Return the project's index, or None and the reason why full-text search has to do."""
        if not request.meaning:
            return None, WORDS_WANTED
        if not self._encoder.dimension:
            return None, MODEL_DOWN  # The model was never loaded.
        try:
            loaded = self._indexes.of(row)
        except IndexUnavailable:
            return None, STORE_DOWN
        return loaded, "" if loaded else INDEX_BUILDING

    def _rank(
        self,
        row: ProjectRow,
        loaded: LoadedIndex,
        text: str,
        request: SearchRequest,
        allowed: NDArray[np.int64] | None,
    ) -> _Hits:
        """Rank by keywords and vectors; by keywords alone when vectors cannot be searched."""
        index: SearchableIndex = loaded.index
        vector: NDArray[np.float32] | None = None
        limit, meaning = request.offset + request.top_k + _SPARE, loaded.fitted.meaning
        try:
            vector = self._encoder.query_vector(text)
            index = self._indexes.searchable_index(
                row, loaded, SearchFilter(request.tags, request.labels)
            )
            ranking = rank(index, text, vector, meaning=meaning, limit=limit, allowed=allowed)
            reason = ""
        except (EmbedderUnavailable, IndexUnavailable) as error:
            vector, reason = None, _degraded_reason(error)
            ranking = rank(loaded.index, text, None, meaning=meaning, limit=limit, allowed=allowed)
        hits = [
            _Hit(found.key, found.score, found.keyword_score or None, found.cosine)
            for found in ranking.passages
            if vector is not None or found.keyword_score > 0
        ]
        return _Hits(hits, reason, lambda passage: highlights(ranking.terms, passage))

    def _full_text(
        self,
        row: ProjectRow,
        text: str,
        limit: int,
        allowed: NDArray[np.int64] | None,
        reason: str,
    ) -> _Hits:
        """Rank with SQLite's full-text index, which needs neither model nor index in memory."""
        scored = self._store.full_text(row.key, text, limit, allowed)
        best = scored[0][1] if scored else 1.0
        hits = [_Hit(key, max(0.0, score / best), score, None) for key, score in scored]
        return _Hits(hits, reason, lambda _: ())

    def _read_existing(
        self, row: ProjectRow, hits: Sequence[_Hit], limit: int
    ) -> list[tuple[_Hit, StoredChunk]]:
        """Return the first hits with their rows, without passages that were deleted meanwhile.

        Hits after the first ``limit`` are read only when some of the first are gone.
        """
        existing: list[tuple[_Hit, StoredChunk]] = []
        for batch in (hits[:limit], hits[limit:]):
            if batch and len(existing) < limit:
                rows = self._store.existing_chunks(row.key, [hit.key for hit in batch])
                existing += [(hit, rows[hit.key]) for hit in batch if hit.key in rows]
        return existing[:limit]

    def _record(self, project: str, query: str, duration_ms: float, result: SearchResult) -> None:
        metrics = self.metrics.now
        metrics.durations.add(duration_ms / 1000)
        metrics.sizes.add(len(result.passages))
        metrics.outcomes.add("degraded" if result.degraded_mode else "full")
        text = {"query": query.strip()} if self._log_queries else {}
        _log.info(
            "query",
            extra={
                **text,
                "project": project,
                "terms": len(query.split()),
                "query_duration_ms": round(duration_ms, 3),
                "cache_hit": result.cache_hit,
                "degraded_mode": result.degraded_mode,
                "passages": len(result.passages),
            },
        )


def _check_range(request: SearchRequest) -> None:
    if not 1 <= request.top_k <= MAX_TOP_K or not 0 <= request.offset <= MAX_OFFSET:
        raise QueryInvalid(
            f"top_k={request.top_k}, offset={request.offset} is out of range.",
            hint=f"Give top_k 1 to {MAX_TOP_K} and offset 0 to {MAX_OFFSET}.",
        )


def _query_key(row: ProjectRow, query: str, request: SearchRequest) -> _QueryKey:
    return row.key, row.index_version, normalize_query(query), request


def _degraded_reason(error: TrimtabError) -> str:
    if isinstance(error, EmbedderUnavailable):
        return MODEL_DOWN
    return INDEX_BUILDING if isinstance(error, EngineBehind) else STORE_DOWN


def _passage(
    chunk: StoredChunk, hit: _Hit, highlight: Callable[[str], tuple[tuple[int, int], ...]]
) -> FoundPassage:
    text = chunk.text.strip()
    start = chunk.start + len(chunk.text) - len(chunk.text.lstrip())
    return FoundPassage(
        chunk_id=chunk.id,
        document_id=chunk.document_id,
        document_name=chunk.document_name,
        title=chunk.title,
        text=text,
        start=start,
        end=start + len(text),
        page=chunk.page,
        heading=chunk.heading,
        score=round(hit.score, 6),
        keyword_score=hit.keyword_score,
        vector_score=hit.cosine,
        highlights=highlight(text),
    )


def _estimate_bytes(result: SearchResult) -> int:
    """Estimate the memory of a result, rather too high: each highlight counts 130 bytes."""
    return 500 + sum(
        1000 + 2 * len(passage.text) + 130 * len(passage.highlights) for passage in result.passages
    )
