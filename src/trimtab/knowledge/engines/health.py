"""Health of the vector engines for ``/health``."""

from functools import partial
from typing import Protocol

from trimtab.infra.breaker import CircuitBreaker
from trimtab.kernel.health import ComponentHealth, Health, Status
from trimtab.knowledge.engines.guarded import GuardedEngine
from trimtab.knowledge.engines.registry import Engines

COMPONENTS = {"chroma": "chromadb"}
"""Names of components where operators know an engine by another name than the settings."""


class EmbeddedEngine(Protocol):
    """The engine inside this process."""

    breaker: CircuitBreaker

    @property
    def up(self) -> bool:
        """Return whether searches get their indexes: the breaker is closed."""
        ...


def register(health: Health, embedded: EmbeddedEngine, engines: Engines) -> None:
    """Add ``vector_store``, which is all engines together, and each server that has an address."""
    health.register("vector_store", lambda: _together(embedded, engines))
    for name in engines.configured():
        health.register(COMPONENTS.get(name, name), partial(_of_server, engines, name))


def components(engines: Engines) -> dict[str, bool]:
    """Return whether each server in use was up when it was last asked, by its component's name."""
    return {COMPONENTS.get(name, name): engine.up for name, engine in engines.opened().items()}


def _together(embedded: EmbeddedEngine, engines: Engines) -> ComponentHealth:
    servers = engines.opened()
    facts: dict[str, object] = {
        "engine": engines.of_new_projects,
        "breaker": embedded.breaker.state.value,
        "servers": {name: "up" if engine.up else "down" for name, engine in servers.items()},
    }
    errors = [f"{name}: {engine.error}" for name, engine in engines.down().items()]
    if not embedded.up:
        errors.insert(0, "The search index is down.")
    if errors:
        return ComponentHealth(Status.DOWN, " ".join(errors), facts=facts)
    return ComponentHealth(Status.UP, facts=facts)


def _of_server(engines: Engines, name: str) -> ComponentHealth:
    engine = engines.engine(name)
    if engine.latency_ms is None:
        engine.heartbeat()
    if engine.latency_ms is None or not engine.up:
        return ComponentHealth(Status.DOWN, engine.error, facts=_facts(engine))
    return ComponentHealth(Status.UP, latency_ms=engine.latency_ms, facts=_facts(engine))


def _facts(engine: GuardedEngine) -> dict[str, object]:
    return {"engine": engine.name, "breaker": engine.breaker.state.value}
