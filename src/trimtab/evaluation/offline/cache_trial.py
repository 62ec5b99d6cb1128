"""Compares sizes of the query cache by replaying recorded queries; changes nothing live.

Queries arrive in their recorded order, and each cache evicts the least recently used entry, as the
service does. The key has the index version, so a result from before a change of documents does not
hit.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any

from cachetools import LRUCache

from trimtab.evaluation.statistics import quantile


@dataclass(frozen=True, slots=True)
class RecordedQuery:
    """One query of the record: its cache key, and how long retrieval took."""

    key: Hashable
    milliseconds: float
    was_hit: bool

    @classmethod
    def of_trace(cls, trace: Mapping[str, Any]) -> "RecordedQuery | None":
        """Return the query of a trace of the API, or None when it did not reach retrieval."""
        for stage in trace["stages"]:
            if stage["name"] == "retrieve" and "cache_hit" in stage["facts"]:
                answer = trace["answer"]
                words = " ".join(sorted(answer["question"].lower().split()))
                key = answer["project"], trace["index_version"], words, trace["top_k"]
                return cls(key, stage["duration_ms"], stage["facts"]["cache_hit"])
        return None


@dataclass(frozen=True, slots=True)
class CacheTrial:
    """Result of one cache size on the record."""

    entries: int
    queries: int
    hits: int
    mean_ms: float | None
    """Mean retrieval time; None when the record does not tell it for hits or for misses."""
    p95_ms: float | None

    @property
    def hit_ratio(self) -> float:
        """Return the share of queries that the cache answers, in [0, 1]."""
        return self.hits / self.queries

    def as_dict(self) -> dict[str, object]:
        """Return it, JSON-ready."""
        return {**asdict(self), "hit_ratio": round(self.hit_ratio, 4)}


def replay(queries: Sequence[RecordedQuery], entries: int) -> CacheTrial:
    """Replay the queries against an empty cache of that many entries.

    A miss takes its recorded time, or the median of the recorded misses when it was a hit then; a
    hit takes the median of the recorded hits.

    Args:
        queries: In the order in which they were asked; at least one.
        entries: Size of the cache, above zero.
    """
    hit_ms = _median(query.milliseconds for query in queries if query.was_hit)
    miss_ms = _median(query.milliseconds for query in queries if not query.was_hit)
    cache: LRUCache[Hashable, bool] = LRUCache(entries)
    hits = 0
    taken: list[float | None] = []
    for query in queries:
        if cache.get(query.key):
            hits += 1
            taken.append(hit_ms)
        else:
            cache[query.key] = True
            taken.append(miss_ms if query.was_hit else query.milliseconds)
    known = [value for value in taken if value is not None]
    if len(known) < len(taken):
        return CacheTrial(entries, len(queries), hits, None, None)
    mean, p95 = round(fmean(known), 3), round(quantile(known, 0.95), 3)
    return CacheTrial(entries, len(queries), hits, mean, p95)


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return median(found) if found else None
