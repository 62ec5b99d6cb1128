"""Signals of knowledge. Metrics ``kb_*`` are named in the operators' runbooks."""

import math
from collections.abc import Callable, Iterable
from typing import Any

from trimtab.infra.breaker import BreakerState
from trimtab.kernel.drilling import LABEL, MARK, Apart, samples_apart
from trimtab.kernel.operable import Sample, Signal
from trimtab.knowledge.caches import BoundedCache
from trimtab.knowledge.engines.qdrant_usage import usage_signals
from trimtab.knowledge.engines.signals import signals as engine_signals
from trimtab.knowledge.gpus import gpu_signals
from trimtab.knowledge.maintenance.signals import signals as care_signals
from trimtab.knowledge.metrics import RecentValues, SearchMetrics
from trimtab.knowledge.service import Knowledge

Read = Callable[[], float]


def signals(knowledge: Knowledge) -> tuple[Signal, ...]:
    """Return every signal of the domain."""
    return (
        *_components(knowledge),
        *_embedding(knowledge),
        *_query_cache(knowledge),
        *_hit_level(knowledge),
        *_other_caches(knowledge),
        *_cache_memory(knowledge),
        *_searches(knowledge),
        *_outcomes(knowledge),
        *_index(knowledge),
        *_documents(knowledge),
        *engine_signals(knowledge.engines),
        *usage_signals(knowledge.qdrant_usage),
        *gpu_signals(knowledge.gpus, knowledge.encoder, knowledge.settings.embedding_device),
        *care_signals(knowledge.maintenance),
    )


def _gauge(name: str, unit: str, text: str, read: Read, metric: str = "") -> Signal:
    return Signal(name, unit, text, lambda: (Sample(float(read())),), metric=metric)


def _apart(
    name: str, unit: str, text: str, read: Callable[[bool], float], metric: str = "", **more: Any
) -> Signal:
    """Return a signal for users and, labelled, for drills; ``read`` gets which of them."""
    return Signal(
        name, unit, text, lambda: samples_apart(read), labels=(LABEL,), metric=metric, **more
    )


def _searched(
    figures: Apart[SearchMetrics],
    name: str,
    unit: str,
    text: str,
    read: Callable[[SearchMetrics], float],
    metric: str,
) -> Signal:
    return _apart(name, unit, text, lambda drill: read(figures.of(drill=drill)), metric)


def _components(knowledge: Knowledge) -> Iterable[Signal]:
    def up() -> Iterable[Sample]:
        for component, found in knowledge.components().items():
            yield Sample(float(found), {"component": component})

    yield Signal(
        "knowledge.component.up",
        "1",
        "1 when the component does its work, 0 when it is down.",
        up,
        labels=("component",),
        metric="kb_component_up",
    )


def _embedding(knowledge: Knowledge) -> Iterable[Signal]:
    encoder = knowledge.encoder
    yield _gauge(
        "knowledge.embedding.files_present",
        "1",
        "1 when the model's files are all there.",
        encoder.files_present,
    )
    yield _gauge(
        "knowledge.embedding.files_intact",
        "1",
        "1 when the model's files had the right checksums at the last check while it was down.",
        lambda: encoder.files_intact,
    )
    yield _gauge(
        "knowledge.embedding.loaded", "1", "1 when a model is in memory.", lambda: encoder.loaded
    )
    yield _gauge(
        "knowledge.embedding.breaker_open",
        "1",
        "1 when the circuit breaker keeps calls away from the model.",
        lambda: encoder.breaker.state is not BreakerState.CLOSED,
    )
    yield _apart(
        "knowledge.embedding.p95_seconds",
        "seconds",
        "95 % of the recent texts took no longer to embed.",
        lambda drill: encoder.durations.of(drill=drill).quantile(0.95),
        "kb_embedding_p95_seconds",
    )


HIT_LEVELS = (0.30, 0.50, 0.70, 0.90)
"""Share of hits: below the first a repair is escalated, below the second the alert comes after 30
minutes, above the third is the objective, and above the last what is expected."""


def hit_level(ratio: float) -> float:
    """Return how many of the levels a hit ratio is above, 0 to 4; NaN for an unknown ratio."""
    return ratio if math.isnan(ratio) else float(sum(ratio > level for level in HIT_LEVELS))


def _hit_level(knowledge: Knowledge) -> Iterable[Signal]:
    cache = knowledge.searcher.cache
    yield _apart(
        "knowledge.cache.hit_level",
        "1",
        "Level of the hit ratio: 4 above 0.90 (expected), 3 above 0.70 (objective), 2 above 0.50, 1"
        " above 0.30 (alert after 30 minutes), 0 (escalation); absent without a ratio.",
        lambda drill: hit_level(cache.hit_ratio(drill=drill)),
    )


def _query_cache(knowledge: Knowledge) -> Iterable[Signal]:
    cache = knowledge.searcher.cache
    yield _apart(
        "knowledge.cache.hit_ratio",
        "ratio",
        "Share of the recent searches that the query cache answered; absent below 20 searches.",
        lambda drill: cache.hit_ratio(drill=drill),
        "kb_query_cache_hit_ratio",
    )
    yield _apart(
        "knowledge.cache.evictions_rate",
        "1/min",
        "Entries a minute that the query cache dropped for lack of room, recently.",
        lambda drill: cache.evictions_per_minute(drill=drill),
    )
    yield _apart(
        "knowledge.cache.regret_ratio",
        "ratio",
        "Share of the recent query-cache misses for entries dropped for lack of room.",
        lambda drill: cache.regret_ratio(drill=drill),
    )
    yield _apart(
        "knowledge.cache.known_miss_ratio",
        "ratio",
        "Share of the recent misses of the query cache that had been asked at least twice before.",
        lambda drill: cache.known_miss_ratio(drill=drill),
    )
    yield _gauge(
        "knowledge.cache.fill_ratio",
        "ratio",
        "How full the query cache is.",
        lambda: cache.stats().size / cache.stats().max_size,
    )
    yield _gauge(
        "knowledge.cache.capacity",
        "entries",
        "How many entries the query cache may hold.",
        lambda: cache.stats().max_size,
    )
    yield _apart(
        "knowledge.query.diversity",
        "ratio",
        "Distinct queries among the last 1,000, as a share; absent below 20 queries.",
        lambda drill: knowledge.searcher.metrics.of(drill=drill).diversity(),
    )


def _caches(knowledge: Knowledge) -> dict[str, BoundedCache[Any, Any]]:
    return {
        "query": knowledge.searcher.cache,
        "embedding": knowledge.encoder.cache,
        "document": knowledge.parts.texts,
    }


def _other_caches(knowledge: Knowledge) -> Iterable[Signal]:
    caches = _caches(knowledge)
    yield _apart(
        "knowledge.embedding.cache_hit_ratio",
        "ratio",
        "Share of the recent lookups that the embedding cache answered; absent below 20.",
        lambda drill: knowledge.encoder.cache.hit_ratio(drill=drill),
        "kb_embedding_cache_hit_ratio",
    )
    for name in ("query", "embedding"):
        found = caches[name]
        yield _apart(
            f"knowledge.{name}.cache_misses",
            "1",
            f"Lookups that the {name} cache could not answer, since the start.",
            lambda drill, found=found: found.stats(drill=drill).misses,  # type: ignore[misc]
            f"kb_{name}_cache_misses_total",
            counter=True,
        )

    def evictions() -> Iterable[Sample]:
        for name, cache in caches.items():
            yield Sample(float(cache.stats().evictions), {"cache": name})
            dropped = cache.stats(drill=True).evictions
            yield Sample(float(dropped), {"cache": name, LABEL: MARK})

    yield Signal(
        "knowledge.cache.evictions",
        "1",
        "Entries dropped for lack of room, since the start.",
        evictions,
        labels=("cache", LABEL),
        metric="kb_cache_evictions_total",
        counter=True,
    )


def _cache_memory(knowledge: Knowledge) -> Iterable[Signal]:
    caches = _caches(knowledge)
    yield _gauge(
        "knowledge.cache.memory",
        "MB",
        "What all caches hold together.",
        lambda: sum(cache.stats().memory_bytes for cache in caches.values()) / (1024 * 1024),
        "kb_cache_memory_mb",
    )

    yield _gauge(
        "knowledge.cache.memory_limit",
        "MB",
        "What all caches may hold together.",
        lambda: knowledge.caches.sizes().memory_mb,
        "kb_cache_memory_limit_mb",
    )


def _searches(knowledge: Knowledge) -> Iterable[Signal]:
    figures = knowledge.searcher.metrics
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        yield _searched(
            figures,
            f"knowledge.search.{name}_latency",
            "seconds",
            f"{int(share * 100)} % of the recent searches took no longer.",
            lambda found, share=share: found.durations.quantile(share),  # type: ignore[misc]
            f"kb_query_{name}_latency_seconds",
        )
    yield _searched(
        figures,
        "knowledge.search.recent",
        "1",
        "Searches of the last five minutes, at most 2,000: what the latencies are taken from.",
        lambda found: found.durations.count(),
        "kb_searches_recently",
    )
    yield _searched(
        figures,
        "knowledge.search.p95_passages",
        "passages",
        "95 % of the recent searches returned no more; large results are hard to cache.",
        lambda found: found.sizes.quantile(0.95),
        "kb_query_p95_passages",
    )
    yield _searched(
        figures,
        "knowledge.search.error_rate",
        "ratio",
        "Share of the recent searches and ingestions that failed through no fault of the caller.",
        lambda found: found.share("failed"),
        "kb_error_rate",
    )
    yield _searched(
        figures,
        "knowledge.search.refused_rate",
        "ratio",
        "Share of the recent calls that are searches refused for what the caller sent.",
        lambda found: found.share("refused"),
        "kb_refused_rate",
    )


def _outcomes(knowledge: Knowledge) -> Iterable[Signal]:
    figures = knowledge.searcher.metrics
    yield _searched(
        figures,
        "knowledge.search.degraded_ratio",
        "ratio",
        "Share of the recent searches that were answered by words alone.",
        lambda found: found.outcomes.ratio("degraded", "full", 1),
        "kb_degraded_ratio",
    )
    yield _searched(
        figures,
        "knowledge.search.refused",
        "1",
        "Searches of the last five minutes that were refused for what the caller sent.",
        lambda found: found.outcomes.totals()["refused"],
        "kb_refused_recently",
    )
    yield _searched(
        figures,
        "knowledge.search.failed",
        "1",
        "Searches and ingestions of the last five minutes that failed by the service's fault.",
        lambda found: found.outcomes.totals()["failed"],
        "kb_failed_recently",
    )
    yield _searched(
        figures,
        "knowledge.search.under_way",
        "1",
        "Maximum number of concurrent searches in the last minute; absent without a search.",
        lambda found: found.crowding.quantile(1.0),
        "kb_searches_under_way",
    )


def _index(knowledge: Knowledge) -> Iterable[Signal]:
    yield _apart(
        "knowledge.index.p95_seconds",
        "seconds",
        "95 % of recent searches waited at most this long for the index or the slowest server.",
        lambda drill: _slowest(
            knowledge.indexes.durations.of(drill=drill),
            *(e.durations.of(drill=drill) for e in knowledge.engines.opened().values()),
        ),
        "kb_vector_store_latency_seconds",
    )


def _slowest(*windows: RecentValues) -> float:
    found = [window.quantile(0.95) for window in windows]
    return max((seconds for seconds in found if not math.isnan(seconds)), default=math.nan)


def _documents(knowledge: Knowledge) -> Iterable[Signal]:
    def counted(state: str) -> Read:
        return lambda: knowledge.last_counts.get(state, math.nan)

    for state, text in (
        ("ready", "Documents that are found by words and by meaning."),
        ("queued", "Documents that wait for the embedding model."),
        ("dead", "Documents whose vectors could not be made after several attempts."),
    ):
        yield _gauge(f"knowledge.documents.{state}", "documents", text, counted(state))

    def recent() -> Iterable[Sample]:
        for found in knowledge.recent:
            reviewed = "yes" if found.reviewed else "no"
            yield Sample(float(found.count), {"project": found.project, "reviewed": reviewed})

    yield Signal(
        "knowledge.documents.recent",
        "documents",
        "Documents that came in or changed within 7 days, by project and whether reviewed.",
        recent,
        labels=("project", "reviewed"),
    )
