"""Signals of trained models: what answers, what fails, and what it costs."""

from collections.abc import Callable, Iterable

from trimtab.infra.breaker import BreakerState
from trimtab.kernel.operable import Sample, Signal
from trimtab.models.records import PRODUCTION
from trimtab.models.service import Models
from trimtab.models.serving.model_server import ModelServer

Read = Callable[[ModelServer], float]


def signals(models: Models) -> tuple[Signal, ...]:
    """Return every signal of the domain."""
    serving = models.serving

    def each(read: Read) -> Callable[[], Iterable[Sample]]:
        return lambda: [
            Sample(read(server), {"model": name}) for name, server in list(serving.servers.items())
        ]

    return (
        _by_model(
            "up",
            "1",
            "1 when the production version answers, 0 when not.",
            each(lambda server: float(_is_up(models, server))),
        ),
        _by_model(
            "intact",
            "1",
            "1 when files and golden batch of what serves are as registered.",
            each(lambda server: float(not server.routing.failures)),
        ),
        _by_model(
            "stuck",
            "1",
            "1 when the production version works on one batch for longer than the deadline.",
            each(lambda server: float(_is_stuck(models, server))),
        ),
        _by_model(
            "waiting",
            "requests",
            "Requests that wait for the production version.",
            each(lambda server: float(_of_production(server, lambda served: served.waiting))),
        ),
        _by_model(
            "served",
            "requests",
            "Requests that the production version answered.",
            each(lambda server: float(_of_production(server, lambda served: served.served))),
            counter=True,
        ),
        _by_model(
            "failures",
            "requests",
            "Requests that a version could not predict; its fallbacks were asked.",
            each(lambda server: float(server.failures)),
            counter=True,
        ),
        _by_model(
            "fallbacks",
            "requests",
            "Requests that the rule baseline answered.",
            each(lambda server: float(server.fallbacks)),
            counter=True,
        ),
        _by_model(
            "errors",
            "requests",
            "Requests that nothing could answer: Model Unavailable.",
            each(lambda server: float(server.errors)),
            counter=True,
        ),
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
            each(lambda server: float(_artifact_bytes(models, server))),
        ),
        *_cache(models),
        Signal(
            "models.fallback_enabled",
            "1",
            "1 when fallbacks may answer for a model that fails.",
            lambda: (Sample(float(serving.fallback_enabled)),),
        ),
        *_gpu(models),
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


def _gpu(models: Models) -> tuple[Signal, ...]:
    def read(field: str) -> Callable[[], Iterable[Sample]]:
        return lambda: [
            Sample(float(getattr(gpu, field)), {"gpu": gpu.index})
            for gpu in models.gpus.report.gpus
        ]

    return (
        Signal(
            "models.gpu.count",
            "1",
            "GPUs of this machine; 0 when there is none.",
            lambda: (Sample(float(len(models.gpus.report.gpus))),),
        ),
        Signal(
            "models.gpu.utilisation",
            "1",
            "Share of time in which the GPU computed, in [0, 1]; absent without a GPU.",
            read("utilisation"),
            labels=("gpu",),
        ),
        Signal(
            "models.gpu.memory",
            "bytes",
            "Memory of the GPU in use; absent without a GPU.",
            read("memory_bytes"),
            labels=("gpu",),
        ),
    )
