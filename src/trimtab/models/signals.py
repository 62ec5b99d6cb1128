"""Signals of trained models: what answers, what fails, and what it costs."""

from collections.abc import Callable, Iterable

from trimtab.infra.breaker import BreakerState
from trimtab.kernel.operable import Sample, Signal
from trimtab.models.records import PRODUCTION
from trimtab.models.service import Models
from trimtab.models.serving.model_server import ModelServer
from trimtab.models.serving.version_server import VersionServer

Read = Callable[[ModelServer], float]


def signals(models: Models) -> tuple[Signal, ...]:
    """Return every signal of the domain."""
    serving = models.serving
    return (
        *_states(models),
        *_counts(models),
        _by_model(
            "promoted_age",
            "seconds",
            "Seconds since the production alias moved; absent when it never did.",
            lambda: _ages(models),
        ),
        _by_model(
            "artifact_bytes",
            "bytes",
            "Size of the files of the production version.",
            _each(models, lambda server: float(_artifact_bytes(models, server))),
        ),
        _by_model(
            "memory_bytes",
            "bytes",
            "Memory that the process took on when it loaded the production version.",
            _each(models, lambda server: float(_of_production(server, _memory_bytes))),
        ),
        *_cache(models),
        Signal(
            "models.fallback_enabled",
            "1",
            "1 when fallbacks may answer for a model that fails.",
            lambda: (Sample(float(serving.fallback_enabled)),),
        ),
    )


def _each(models: Models, read: Read) -> Callable[[], Iterable[Sample]]:
    """Return a reader of one sample for each model that serves."""
    servers = models.serving.servers
    return lambda: [Sample(read(server), {"model": name}) for name, server in list(servers.items())]


def _states(models: Models) -> tuple[Signal, ...]:
    return (
        _by_model(
            "up",
            "1",
            "1 when the production version answers, 0 when not.",
            _each(models, lambda server: float(_is_up(models, server))),
        ),
        _by_model(
            "intact",
            "1",
            "1 when files and golden batch of what serves are as registered.",
            _each(models, lambda server: float(not server.routing.failures)),
        ),
        _by_model(
            "stuck",
            "1",
            "1 when the production version works on one batch for longer than the deadline.",
            _each(models, lambda server: float(_is_stuck(models, server))),
        ),
        _by_model(
            "waiting",
            "requests",
            "Requests that wait for the production version.",
            _each(models, lambda server: float(_of_production(server, lambda s: s.waiting))),
        ),
    )


def _counts(models: Models) -> tuple[Signal, ...]:
    reads: tuple[tuple[str, str, Read], ...] = (
        (
            "served",
            "Requests that the production version answered.",
            lambda server: float(_of_production(server, lambda served: served.served)),
        ),
        (
            "failures",
            "Requests that a version could not predict; its fallbacks were asked.",
            lambda server: float(server.failures),
        ),
        (
            "fallbacks",
            "Requests that the rule baseline answered.",
            lambda server: float(server.fallbacks),
        ),
        (
            "errors",
            "Requests that nothing could answer: Model Unavailable.",
            lambda server: float(server.errors),
        ),
    )
    return tuple(
        _by_model(name, "requests", text, _each(models, read), counter=True)
        for name, text, read in reads
    )


def _by_model(
    name: str,
    unit: str,
    text: str,
    read: Callable[[], Iterable[Sample]],
    *,
    counter: bool = False,
) -> Signal:
    metric = f"models_{name}_total" if counter else f"models_{name}"
    return Signal(
        f"models.{name}", unit, text, read, labels=("model",), metric=metric, counter=counter
    )


def _is_up(models: Models, server: ModelServer) -> bool:
    served = server.routing.servers.get(PRODUCTION)
    is_closed = served is not None and served.breaker.state is BreakerState.CLOSED
    return is_closed and not _is_stuck(models, server)


def _is_stuck(models: Models, server: ModelServer) -> bool:
    served = server.routing.servers.get(PRODUCTION)
    limit = models.context.settings.deadline_seconds
    return served is not None and served.busy_seconds > limit


def _of_production(server: ModelServer, read: Callable[..., int]) -> int:
    served = server.routing.servers.get(PRODUCTION)
    return 0 if served is None else read(served)


def _memory_bytes(served: VersionServer) -> int:
    return served.loaded.memory_bytes


def _ages(models: Models) -> Iterable[Sample]:
    now = models.context.env.clock.now()
    for name, moved in models.serving.promoted_at.items():
        yield Sample((now - moved).total_seconds(), {"model": name})


def _artifact_bytes(models: Models, server: ModelServer) -> int:
    production = server.routing.production
    if production is None:
        return 0
    folder = models.registry.artifacts.path(production.digest)
    files = [folder / name for name in production.manifest.files]
    return sum(file.stat().st_size for file in files if file.exists())


def _cache(models: Models) -> tuple[Signal, ...]:
    cache = models.serving.cache
    return (
        Signal(
            "models.cache.bytes",
            "bytes",
            "Memory of cached results.",
            lambda: (Sample(float(cache.used_bytes)),),
        ),
        Signal(
            "models.cache.hits",
            "requests",
            "Requests answered from the cache of results.",
            lambda: (Sample(float(cache.hits)),),
            metric="models_cache_hits_total",
            counter=True,
        ),
        Signal(
            "models.cache.misses",
            "requests",
            "Requests that the cache of results did not hold.",
            lambda: (Sample(float(cache.misses)),),
            metric="models_cache_misses_total",
            counter=True,
        ),
    )
