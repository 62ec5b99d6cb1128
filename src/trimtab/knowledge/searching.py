"""One search: by words and by meaning, fused; by words alone when the model is down."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.kernel.clock import Clock
from trimtab.knowledge.caches import BoundedCache, CacheLimits, QueryDiversity
from trimtab.knowledge.encoder import Encoder
from trimtab.knowledge.errors import EmbedderUnavailable, QueryInvalid
from trimtab.knowledge.records import Passage, SearchResult
from trimtab.knowledge.store import ProjectRow, ProjectStore, SearchStore, VectorRows
from trimtab.knowledge.store.search import LiveChunk
from trimtab.knowledge.windows import RecentCounts, RecentValues
from trimtab.knowledge.words import checked_query, full_text_query, normalised

_log = logging.getLogger(__name__)
MAX_TOP_K = 100
MAX_OFFSET = 1000
MODEL_DOWN = "embedding_model_unavailable"
# How many hits of each kind are fused, at least.
_POOL = 50
# The share of meaning in the sum; words have the rest.
_MEANING = 0.5
# Vectors of so many projects stay in memory.
_PROJECTS_IN_MEMORY = 32

_QueryKey = tuple[int, int, str, int, int]


@dataclass(frozen=True, slots=True)
class _Hit:
    key: int
    score: float
    words: float | None
    cosine: float | None


class Searcher:
    """Answers queries from the store, the vectors in memory and the query cache."""

    def __init__(
        self,
        projects: ProjectStore,
        store: SearchStore,
        encoder: Encoder,
        settings: KnowledgeSettings,
        clock: Clock,
    ) -> None:
        self._projects = projects
        self._store = store
        self._encoder = encoder
        self._clock = clock
        self._vectors = _VectorMemory(store)
        self.on_query: Callable[[int, str], bool] = lambda _project_key, _query: False
        """Told of every query by project key and text; returns whether it was asked often before."""
        self.durations = RecentValues(clock, settings.cache_window_seconds)
        self.outcomes = RecentCounts(clock, settings.cache_window_seconds)
        self.diversity = QueryDiversity(settings.cache_window_lookups)
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

    def search(self, project: str, query: str, top_k: int, offset: int = 0) -> SearchResult:
        """Return the best passages; see `Knowledge.search`."""
        started = self._clock.monotonic()
        text = checked_query(query)
        if not 1 <= top_k <= MAX_TOP_K or not 0 <= offset <= MAX_OFFSET:
            raise QueryInvalid(
                f"top_k={top_k}, offset={offset} is out of range.",
                hint=f"Give top_k 1 to {MAX_TOP_K} and offset 0 to {MAX_OFFSET}.",
            )
        row = self._projects.find(project)
        known = self.on_query(row.key, text)
        key = (row.key, row.index_version, normalised(text), top_k, offset)
        self.diversity.add(key[2])
        cached = self.cache.get(key, known=known)
        result = cached or self._found(row, text, top_k, offset)
        if cached is None and not result.degraded_mode:
            self.cache.put(key, result)
        duration_ms = (self._clock.monotonic() - started) * 1000
        self._record(row.name, duration_ms, result, hit=cached is not None)
        return replace(result, cache_hit=cached is not None, duration_ms=round(duration_ms, 3))

    def prepare(self, project: str, query: str, top_k: int) -> None:
        """Put the query's answer in the cache without counting it as asked.

        Raises:
            EmbedderUnavailable: The model is down; an answer by words alone is not kept.
        """
        text = checked_query(query)
        row = self._projects.find(project)
        result = self._found(row, text, top_k, 0)
        if result.degraded_mode:
            raise EmbedderUnavailable("The embedding model is down.")
        self.cache.put((row.key, row.index_version, normalised(text), top_k, 0), result)

    def forget(self, project_key: int) -> None:
        """Drop everything in memory that came from the project."""
        self.cache.discard(lambda key: key[0] == project_key)
        self._vectors.forget(project_key)

    def forget_all(self) -> None:
        """Drop everything in memory that came from the database."""
        self.cache.discard(lambda _: True)
        self._vectors.forget_all()

    def held_documents(self) -> set[str]:
        """Return the ids of the documents of which the cache holds a passage."""
        return {passage.document_id for result in self.cache.held() for passage in result.passages}

    def _found(self, row: ProjectRow, text: str, top_k: int, offset: int) -> SearchResult:
        pool = max(_POOL, (offset + top_k) * 2)
        match = full_text_query(text)
        by_words = self._store.by_words(row.key, match, pool) if match else []
        reason = ""
        by_meaning: list[tuple[int, float]] = []
        try:
            vector = self._encoder.query_vector(text)
            vectors = self._vectors.of(row, self._encoder.model_id, len(vector))
            by_meaning = _nearest(vectors, vector, pool)
        except EmbedderUnavailable:
            reason = MODEL_DOWN
        hits = _fused(by_words, by_meaning, degraded=bool(reason))
        # Joined with the live rows: whatever an index still holds, a deleted passage is not answered.
        live = self._store.live(row.key, [hit.key for hit in hits])
        alive = [hit for hit in hits if hit.key in live][offset : offset + top_k]
        passages = tuple(_passage(live[hit.key], hit) for hit in alive)
        return SearchResult(passages, bool(reason), False, row.index_version, 0.0, reason)  # noqa: FBT003 - the fields' order.

    def _record(self, project: str, duration_ms: float, result: SearchResult, *, hit: bool) -> None:
        self.durations.add(duration_ms / 1000)
        self.outcomes.add("degraded" if result.degraded_mode else "full")
        _log.info(
            "query",
            extra={
                "project": project,
                "query_duration_ms": round(duration_ms, 3),
                "cache_hit": hit,
                "degraded_mode": result.degraded_mode,
                "passages": len(result.passages),
            },
        )


class _VectorMemory:
    """The vectors of the projects searched last, each of the version that the store has."""

    def __init__(self, store: SearchStore) -> None:
        self._store = store
        self._held: OrderedDict[tuple[int, str], VectorRows] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, project: ProjectRow, model: str, dimension: int) -> VectorRows:
        key = (project.key, model)
        with self._lock:
            held = self._held.get(key)
        if held is None or held.index_version < project.index_version:
            held = self._store.vectors(project.key, model, dimension)
        with self._lock:
            self._held[key] = held
            self._held.move_to_end(key)
            while len(self._held) > _PROJECTS_IN_MEMORY:
                self._held.popitem(last=False)
        return held

    def forget_all(self) -> None:
        with self._lock:
            self._held.clear()

    def forget(self, project_key: int) -> None:
        with self._lock:
            for key in [key for key in self._held if key[0] == project_key]:
                del self._held[key]


def _nearest(
    vectors: VectorRows, query: NDArray[np.float32], limit: int
) -> list[tuple[int, float]]:
    cosines = vectors.rows @ query
    if len(cosines) > limit:
        best = np.argpartition(-cosines, limit)[:limit]
    else:
        best = np.arange(len(cosines))
    order = best[np.lexsort((vectors.keys[best], -cosines[best]))]
    return [(int(vectors.keys[at]), float(cosines[at])) for at in order]


def _fused(
    by_words: Sequence[tuple[int, float]],
    by_meaning: Sequence[tuple[int, float]],
    *,
    degraded: bool,
) -> list[_Hit]:
    """Return every hit by its weighted sum of normalised scores, best first."""
    words, cosines = dict(by_words), dict(by_meaning)
    words_share, meaning_share = _scaled(words), _scaled(cosines)
    weight = 0.0 if degraded else _MEANING
    hits = [
        _Hit(
            key,
            (1 - weight) * words_share.get(key, 0.0) + weight * meaning_share.get(key, 0.0),
            words_share.get(key),
            cosines.get(key),
        )
        for key in words.keys() | cosines.keys()
    ]
    return sorted(hits, key=lambda hit: (-hit.score, hit.key))


def _scaled(scores: dict[int, float]) -> dict[int, float]:
    """Return the scores between 0 (the worst of them) and 1 (the best)."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    spread = high - low
    return {key: (score - low) / spread if spread else 1.0 for key, score in scores.items()}


def _passage(chunk: LiveChunk, hit: _Hit) -> Passage:
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
    )


def _weight(result: SearchResult) -> int:
    return 500 + sum(800 + 2 * len(passage.text) for passage in result.passages)
