"""Hybrid search: keywords and vectors ranked together, keywords alone when degraded."""

import logging
import os
import threading
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.drilling import OWN_PROJECT, Apart, in_drill
from trimtab.kernel.errors import TrimtabError
from trimtab.knowledge.caches import BoundedCache, CacheLimits
from trimtab.knowledge.embedders import EMBEDDERS
from trimtab.knowledge.encoder import Encoder
from trimtab.knowledge.engine_port import EMBEDDED, SearchFilter
from trimtab.knowledge.errors import (
    EmbedderUnavailable,
    EngineBehind,
    IndexUnavailable,
    QueryInvalid,
    is_failure,
)
from trimtab.knowledge.indexes import Indexes
from trimtab.knowledge.loaded_index import LoadedIndex
from trimtab.knowledge.metrics import QueryCounter, SearchMetrics
from trimtab.knowledge.ranking import RankedPassage, Ranking, highlights, rank
from trimtab.knowledge.records import FoundPassage, SearchResult
from trimtab.knowledge.store import ProjectRow, SearchStore
from trimtab.knowledge.store.search import Keys, SearchedProject, StoredChunk

_log = logging.getLogger(__name__)
MAX_QUERY_CHARACTERS = 1000
MAX_TOP_K = 100
MAX_OFFSET = 1000
MODEL_DOWN = "embedding_model_unavailable"
STORE_DOWN = "vector_store_unavailable"
WORDS_WANTED = "words_only_wanted"
INDEX_BUILDING = "index_building"
# Hits whose rows were deleted are dropped, so a few more are ranked than requested.
_SPARE = 20
COMPUTING = max(4, 2 * (os.cpu_count() or 1))
"""How many searches of indexes in this process compute at once; others wait for their turn.

More threads add no throughput, because Python runs one at a time, but each adds to the time that
the monitor and the heartbeat wait: with 24 callers a round of the monitor took ten seconds.
"""


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
"""Project, its index version, the query's words and the options that count."""


class Searcher:
    """Answers queries from the indexes, the store and the query cache."""

    def __init__(
        self,
        store: SearchStore,
        encoders: Mapping[str, Encoder],
        indexes: Indexes,
        queries: QueryCounter,
        settings: KnowledgeSettings,
        clock: Clock,
    ) -> None:
        self._store = store
        self._encoders = encoders
        self._indexes = indexes
        self.queries = queries
        self._machine = machine_clock(clock)
        self._log_queries = settings.log_queries
        self._turns = threading.BoundedSemaphore(COMPUTING)
        self.metrics = Apart(lambda: SearchMetrics(settings, clock))
        self.cache: BoundedCache[_QueryKey, SearchResult] = BoundedCache(
            CacheLimits(
                settings.query_cache_entries,
                settings.max_cache_memory_mb * 1024 * 1024 // 2,
                settings.cache_window_seconds,
                settings.cache_window_lookups,
            ),
            clock,
        )

    def search(self, project: str, query: str, request: SearchRequest) -> SearchResult:
        """Return the best passages; see `Knowledge.search`."""
        started, metrics = self._machine.monotonic(), self.metrics.now
        metrics.enter()
        outcome: str = "failed"
        passages: int | None = None
        try:
            _check(query, request)
            text, found = query.strip(), self._store.project(project)
            row = found.row
            # Queries of drills in lasting projects must not warm the caches of users later.
            learn = not in_drill() or row.name.startswith(OWN_PROJECT)
            frequent = self.queries.count(row.key, text, learn=learn)
            key = _query_key(found, text, request)
            metrics.queries.append(hash(key[2]))
            result = self.cache.get(key, known=frequent)
            if result is not None:
                result = replace(result, cache_hit=True)
            else:
                # A search on a server of vectors waits for it and needs no turn.
                with self._turns if row.engine == EMBEDDED else nullcontext():
                    result = self._retrieve(row, text, key[3])
                if not result.degraded_mode:
                    self.cache.put(key, result, _estimate_bytes(result))
            outcome, passages = "degraded" if result.degraded_mode else "full", len(result.passages)
        except TrimtabError as error:
            outcome = "failed" if is_failure(error) else "refused"
            raise
        finally:
            seconds = self._machine.monotonic() - started
            metrics.leave(outcome, seconds, passages)
        self._log_query(project, query, seconds, result)
        return replace(result, duration_ms=round(seconds * 1000, 3))

    def is_cached(self, project: str, query: str, request: SearchRequest) -> bool:
        """Return whether `search` will answer from the cache, without the database."""
        found = self._store.remembered(project)
        return found is not None and _query_key(found, query, request) in self.cache

    def prepare(self, project: str, query: str, top_k: int) -> None:
        """Cache the query's result without counting the query.

        Raises:
            EmbedderUnavailable: The model or the index is down; degraded results are not cached.
        """
        request = SearchRequest(top_k, labels=())
        _check(query, request)
        text, found = query.strip(), self._store.project(project)
        key = _query_key(found, text, request)
        result = self._retrieve(found.row, text, key[3])
        if result.degraded_mode:
            raise EmbedderUnavailable(f"Only words can be compared now: {result.reason}.")
        self.cache.put(key, result, _estimate_bytes(result))

    def follow(self) -> None:
        """Drop from memory what other processes changed or deleted; see `Indexes.follow`."""
        versions = self._store.versions()
        self.cache.discard(lambda key: versions.get(key[0]) != key[1])
        self._indexes.follow(versions)

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

    def _retrieve(self, row: ProjectRow, text: str, request: SearchRequest) -> SearchResult:
        """Rank the project's passages and read the rows of the best."""
        allowed = None
        if request.tags or request.labels is not None:
            allowed = self._store.allowed(row.key, request.tags, request.labels)
        loaded, reason = self._open_index(row, request)
        if loaded is None:
            ranking = self._full_text(row, text, request, allowed)
        else:
            ranking, reason = self._rank(row, loaded, text, request, allowed)
        return SearchResult(
            self._passages(row, ranking, request),
            degraded_mode=bool(reason),
            cache_hit=False,
            index_version=row.index_version,
            duration_ms=0.0,
            reason=reason,
        )

    def _open_index(
        self, row: ProjectRow, request: SearchRequest
    ) -> tuple[LoadedIndex | None, str]:
        """Return the project's index, or None and the reason why full-text search has to do."""
        if not request.meaning:
            return None, WORDS_WANTED
        if not self._encoders[row.embedder].dimension:
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
        allowed: Keys | None,
    ) -> tuple[Ranking, str]:
        """Rank by keywords and vectors; by keywords alone, with the reason, without vectors."""
        fitted, limit = loaded.fitted, request.offset + request.top_k + _SPARE
        meaning = fitted.meaning if fitted.passages else EMBEDDERS[row.embedder].meaning
        try:
            vector = self._encoders[row.embedder].query_vector(text)
            index = (
                loaded.index
                if row.engine == EMBEDDED
                else self._indexes.searchable_index(
                    row, loaded, SearchFilter(request.tags, request.labels)
                )
            )
            return rank(index, text, vector, meaning=meaning, limit=limit, allowed=allowed), ""
        except (EmbedderUnavailable, IndexUnavailable) as error:
            reason = _degraded_reason(error)
        ranking = rank(loaded.index, text, None, meaning=meaning, limit=limit, allowed=allowed)
        by_words = tuple(hit for hit in ranking.passages if hit.keyword_score > 0)
        return replace(ranking, passages=by_words), reason

    def _full_text(
        self, row: ProjectRow, text: str, request: SearchRequest, allowed: Keys | None
    ) -> Ranking:
        """Rank with SQLite's full-text index, which needs neither model nor index in memory."""
        limit = request.offset + request.top_k + _SPARE
        scored = self._store.full_text(row.key, text, limit, allowed)
        best = scored[0][1] if scored else 1.0
        passages = (
            RankedPassage(key, max(0.0, score / best), score, None) for key, score in scored
        )
        return Ranking(tuple(passages), (), 0.0)

    def _passages(
        self, row: ProjectRow, ranking: Ranking, request: SearchRequest
    ) -> tuple[FoundPassage, ...]:
        """Return the best passages with their rows, without those that were deleted meanwhile.

        Passages beyond the wanted ones are read only when some of those are gone.
        """
        limit = request.offset + request.top_k
        existing: list[tuple[RankedPassage, StoredChunk]] = []
        for batch in (ranking.passages[:limit], ranking.passages[limit:]):
            if batch and len(existing) < limit:
                rows = self._store.existing_chunks(row.key, [hit.key for hit in batch])
                existing += [(hit, rows[hit.key]) for hit in batch if hit.key in rows]
        found: list[FoundPassage] = []
        to_standard = EMBEDDERS[row.embedder].to_standard
        for hit, chunk in existing[request.offset : limit]:
            text = chunk.text.strip()
            start = chunk.start + len(chunk.text) - len(chunk.text.lstrip())
            found.append(
                FoundPassage(
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
                    keyword_score=hit.keyword_score or None,
                    vector_score=hit.cosine,
                    similarity=hit.cosine if to_standard is None else to_standard(hit.cosine),
                    highlights=highlights(ranking.terms, text) if ranking.terms else (),
                )
            )
        return tuple(found)

    def _log_query(self, project: str, query: str, seconds: float, result: SearchResult) -> None:
        text = {"query": query.strip()} if self._log_queries else {}
        _log.info(
            "query",
            extra={
                **text,
                "project": project,
                "terms": len(query.split()),
                "query_duration_ms": round(seconds * 1000, 3),
                "cache_hit": result.cache_hit,
                "degraded_mode": result.degraded_mode,
                "passages": len(result.passages),
            },
        )


def _check(query: str, request: SearchRequest) -> None:
    """Raise `QueryInvalid` for an empty or long query, or options out of range."""
    if not query.strip():
        raise QueryInvalid("Query cannot be empty")
    if len(query) > MAX_QUERY_CHARACTERS:
        raise QueryInvalid(
            f"The query has {len(query)} characters; the limit is {MAX_QUERY_CHARACTERS}."
        )
    if not 1 <= request.top_k <= MAX_TOP_K or not 0 <= request.offset <= MAX_OFFSET:
        raise QueryInvalid(
            f"top_k={request.top_k}, offset={request.offset} is out of range.",
            hint=f"Give top_k 1 to {MAX_TOP_K} and offset 0 to {MAX_OFFSET}.",
        )


def _query_key(found: SearchedProject, query: str, request: SearchRequest) -> _QueryKey:
    """Return the key of the query's result in the cache, with the request as it is carried out.

    Two orders of the same words share an entry, as the operators' runbook asks. Of the caller's
    labels only those count that documents of the project have. Most projects have none: their
    searches need no filter, and all callers share one cached result.
    """
    if request.labels is not None:
        mine = tuple(label for label in request.labels if label in found.labels)
        request = replace(request, labels=mine if found.labels else None)
    words = " ".join(sorted(query.lower().split()))
    return found.row.key, found.row.index_version, words, request


def _degraded_reason(error: TrimtabError) -> str:
    if isinstance(error, EmbedderUnavailable):
        return MODEL_DOWN
    return INDEX_BUILDING if isinstance(error, EngineBehind) else STORE_DOWN


def _estimate_bytes(result: SearchResult) -> int:
    """Estimate the memory of a result, rather too high: each highlight counts 130 bytes."""
    return 500 + sum(
        1000 + 2 * len(passage.text) + 130 * len(passage.highlights) for passage in result.passages
    )
