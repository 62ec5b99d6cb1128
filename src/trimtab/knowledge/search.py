"""One search: by words and by meaning, ranked together; by words alone when the model or the index is down."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.drilling import OWN_PROJECT, Apart, in_drill
from trimtab.kernel.errors import TrimtabError
from trimtab.knowledge.caches import BoundedCache, CacheLimits
from trimtab.knowledge.encoder import Encoder
from trimtab.knowledge.engines.port import SearchFilter
from trimtab.knowledge.errors import (
    EmbedderUnavailable,
    EngineBehind,
    IndexUnavailable,
    QueryInvalid,
)
from trimtab.knowledge.events import is_failure
from trimtab.knowledge.indexes import Indexes, LoadedIndex
from trimtab.knowledge.ranking import SearchableIndex, highlights, rank
from trimtab.knowledge.records import Passage, SearchResult
from trimtab.knowledge.search_metrics import SearchMetrics
from trimtab.knowledge.store import ProjectRow, ProjectStore, SearchStore
from trimtab.knowledge.store.search import StoredChunk
from trimtab.knowledge.validation import checked_query, full_text_query, normalised

_log = logging.getLogger(__name__)
MAX_TOP_K = 100
MAX_OFFSET = 1000
MODEL_DOWN = "embedding_model_unavailable"
STORE_DOWN = "vector_store_unavailable"
WORDS_WANTED = "words_only_wanted"
INDEX_BUILDING = "index_building"
# Hits whose rows are gone are left out, so a few more are ranked than are asked for.
_SPARE = 20


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What a search is to return, and to whom."""

    top_k: int = 10
    offset: int = 0
    tags: tuple[str, ...] = ()
    """Only documents that have all of them."""
    labels: tuple[str, ...] | None = None
    """The caller's access labels: of labelled documents only those that share one; None sees everything."""
    meaning: bool = True
    """Whether meaning counts too; without it words alone decide, at a fraction of the cost."""


_QueryKey = tuple[int, int, str, SearchRequest]


@dataclass(frozen=True, slots=True)
class _Hit:
    key: int
    score: float
    words: float | None
    cosine: float | None


@dataclass(frozen=True, slots=True)
class _Allowed:
    """Whom a search may show what, in both forms."""

    keys: NDArray[np.int64] | None
    """The passages that the store allows, ascending; None means all."""
    seen: SearchFilter
    """The same as an engine outside filters by it."""


@dataclass(frozen=True, slots=True)
class _Found:
    hits: list[_Hit]
    reason: str
    """Why it is degraded; empty when it is not."""
    marks: Callable[[str], tuple[tuple[int, int], ...]]


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
        """Told of every query by project key and text, and whether to remember it; returns whether it was asked often
        before."""
        self.figures = Apart(lambda: SearchMetrics(settings, clock))
        self.cache: BoundedCache[_QueryKey, SearchResult] = BoundedCache(
            CacheLimits(
                settings.query_cache_entries,
                settings.max_cache_memory_mb * 1024 * 1024 // 2,
                settings.cache_window_seconds,
                settings.cache_window_lookups,
            ),
            _weight,
            clock,
        )

    def search(self, project: str, query: str, wanted: SearchRequest) -> SearchResult:
        """Return the best passages; see `Knowledge.search`."""
        started, figures = self._machine.monotonic(), self.figures.now
        figures.enter()
        try:
            result = self._answered(project, query, wanted)
        except TrimtabError as error:
            figures.outcomes.add("failed" if is_failure(error) else "refused")
            raise
        finally:
            figures.leave()
        duration_ms = (self._machine.monotonic() - started) * 1000
        self._record(project, query, duration_ms, result)
        return replace(result, duration_ms=round(duration_ms, 3))

    def holds(self, project: str, query: str, wanted: SearchRequest) -> bool:
        """Return whether `search` will find the answer in memory, without the database."""
        row = self._projects.remembered(project)
        if row is None or (wanted.labels is not None and self._store.labels.known(row) is None):
            return False
        return _query_key(row, query, self._narrowed(row, wanted)) in self.cache

    def prepare(self, project: str, query: str, top_k: int) -> None:
        """Put the query's answer in the cache without counting it as asked.

        Raises:
            EmbedderUnavailable: The model or the index is down; an answer by words alone is not kept.
        """
        text = checked_query(query)
        row = self._projects.find(project)
        wanted = self._narrowed(row, SearchRequest(top_k, labels=()))
        result = self._found(row, text, wanted)
        if result.degraded_mode:
            raise EmbedderUnavailable(f"Only words can be compared now: {result.reason}.")
        self.cache.put(_query_key(row, text, wanted), result)

    def forget(self, project_key: int) -> None:
        """Drop what the cache holds of the project."""
        self.cache.discard(lambda key: key[0] == project_key)

    def forget_all(self) -> None:
        """Drop everything in memory that came from the database."""
        self.cache.discard(lambda _: True)
        self._indexes.restart()

    def held_documents(self) -> set[str]:
        """Return the ids of the documents of which the cache holds a passage."""
        return {passage.document_id for result in self.cache.held() for passage in result.passages}

    def _answered(self, project: str, query: str, wanted: SearchRequest) -> SearchResult:
        text = checked_query(query)
        if not 1 <= wanted.top_k <= MAX_TOP_K or not 0 <= wanted.offset <= MAX_OFFSET:
            raise QueryInvalid(
                f"top_k={wanted.top_k}, offset={wanted.offset} is out of range.",
                hint=f"Give top_k 1 to {MAX_TOP_K} and offset 0 to {MAX_OFFSET}.",
            )
        row = self._projects.find(project)
        # What a drill asks in a project that stays must not warm the caches of users later.
        learn = not in_drill() or row.name.startswith(OWN_PROJECT)
        known = self.on_query(row.key, text, learn)
        wanted = self._narrowed(row, wanted)
        key = _query_key(row, text, wanted)
        self.figures.now.diversity.add(key[2])
        cached = self.cache.get(key, known=known)
        if cached is not None:
            return replace(cached, cache_hit=True)
        result = self._found(row, text, wanted)
        if not result.degraded_mode:
            self.cache.put(key, result)
        return result

    def _narrowed(self, row: ProjectRow, wanted: SearchRequest) -> SearchRequest:
        """Return the request with those of the caller's labels that decide here; None where no document has one.

        Most projects have no labels: their searches need no filter, and all callers share one cached result.
        """
        if wanted.labels is None:
            return wanted
        used = self._store.labels.in_use(row)
        mine = tuple(label for label in wanted.labels if label in used) if used else None
        return wanted if mine == wanted.labels else replace(wanted, labels=mine)

    def _found(self, row: ProjectRow, text: str, wanted: SearchRequest) -> SearchResult:
        allowed = None
        if wanted.tags or wanted.labels is not None:
            allowed = self._store.allowed(row.key, wanted.tags, wanted.labels)
        most = wanted.offset + wanted.top_k + _SPARE
        seen = _Allowed(allowed, SearchFilter(wanted.tags, wanted.labels))
        if wanted.meaning:
            found = self._hits(row, text, most, seen)
        else:
            found = self._by_full_text(row, text, most, seen.keys, WORDS_WANTED)
        alive = self._alive(row, found.hits, wanted.offset + wanted.top_k)
        passages = tuple(_passage(chunk, hit, found.marks) for hit, chunk in alive[wanted.offset :])
        return SearchResult(
            passages,
            degraded_mode=bool(found.reason),
            cache_hit=False,
            index_version=row.index_version,
            duration_ms=0.0,
            reason=found.reason,
        )

    def _alive(
        self, row: ProjectRow, hits: Sequence[_Hit], most: int
    ) -> list[tuple[_Hit, StoredChunk]]:
        """Return the first hits with their rows: whatever an index still holds, a deleted passage is not answered.

        Those behind the first ``most`` are read only when some of the first are gone.
        """
        alive: list[tuple[_Hit, StoredChunk]] = []
        for some in (hits[:most], hits[most:]):
            if some and len(alive) < most:
                live = self._store.live(row.key, [hit.key for hit in some])
                alive += [(hit, live[hit.key]) for hit in some if hit.key in live]
        return alive[:most]

    def _hits(self, row: ProjectRow, text: str, most: int, allowed: _Allowed) -> _Found:
        if not self._encoder.dimension:  # The model was never loaded.
            return self._by_full_text(row, text, most, allowed.keys, MODEL_DOWN)
        try:
            held = self._indexes.of(row)
            reason = "" if held else INDEX_BUILDING
        except IndexUnavailable:
            held, reason = None, STORE_DOWN
        if held is None:
            return self._by_full_text(row, text, most, allowed.keys, reason)
        by_words = partial(self._ranked, held.index, held, text, None, most, allowed.keys)
        try:
            vector = self._encoder.query_vector(text)
            index = self._indexes.searched(row, held, allowed.seen)
            return self._ranked(index, held, text, vector, most, allowed.keys)
        except EmbedderUnavailable:
            return by_words()
        except EngineBehind:
            return replace(by_words(), reason=INDEX_BUILDING)
        except IndexUnavailable:
            return replace(by_words(), reason=STORE_DOWN)

    def _ranked(
        self,
        index: SearchableIndex,
        held: LoadedIndex,
        text: str,
        vector: NDArray[np.float32] | None,
        most: int,
        allowed: NDArray[np.int64] | None,
    ) -> _Found:
        ranking = rank(
            index, text, vector, meaning=held.fitted.meaning, limit=most, allowed=allowed
        )
        hits = [
            _Hit(found.key, found.score, found.keyword_score or None, found.cosine)
            for found in ranking.passages
            if vector is not None or found.keyword_score > 0
        ]
        reason = MODEL_DOWN if vector is None else ""
        return _Found(hits, reason, lambda passage: highlights(ranking.terms, passage))

    def _by_full_text(
        self,
        row: ProjectRow,
        text: str,
        most: int,
        allowed: NDArray[np.int64] | None,
        reason: str,
    ) -> _Found:
        match = full_text_query(text)
        scored = self._store.by_words(row.key, match, most, allowed) if match else []
        best = scored[0][1] if scored else 1.0
        hits = [_Hit(key, max(0.0, score / best), score, None) for key, score in scored]
        return _Found(hits, reason, lambda _: ())

    def _record(self, project: str, query: str, duration_ms: float, result: SearchResult) -> None:
        figures = self.figures.now
        figures.durations.add(duration_ms / 1000)
        figures.sizes.add(len(result.passages))
        figures.outcomes.add("degraded" if result.degraded_mode else "full")
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


def _query_key(row: ProjectRow, query: str, wanted: SearchRequest) -> _QueryKey:
    return row.key, row.index_version, normalised(query), wanted


def _passage(
    chunk: StoredChunk, hit: _Hit, marks: Callable[[str], Sequence[tuple[int, int]]]
) -> Passage:
    text = chunk.text.strip()
    start = chunk.start + len(chunk.text) - len(chunk.text.lstrip())
    return Passage(
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
        keyword_score=hit.words,
        vector_score=hit.cosine,
        highlights=tuple(marks(text)),
    )


def _weight(result: SearchResult) -> int:
    """Return about how many bytes the result holds, rather too many: marks weigh as much as the text does."""
    return 500 + sum(
        1000 + 2 * len(passage.text) + 130 * len(passage.highlights) for passage in result.passages
    )
