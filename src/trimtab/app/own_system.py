"""Graph of what the components of trimtab depend on, from how the process is put together.

A component is the first two words of a signal's name (``knowledge.search``), or the first one of a
name of two words. A domain depends on those whose services it was built with, and a service outside
is a component, too.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from trimtab.app.assembly import Assembly
from trimtab.incidents.rca import Graph
from trimtab.kernel.operable import Catalog, Signal
from trimtab.monitoring.labels import METRIC_NAME
from trimtab.monitoring.service import Monitoring

REQUESTS = "requests"
INSIDE: Graph = {
    REQUESTS: ("answers", "guardrails", "knowledge.documents", "knowledge.search", "models"),
    "answers": (
        "answers.budget",
        "answers.generator",
        "answers.model",
        "answers.routing",
        "service.database",
    ),
    "answers.canary": ("answers",),
    "answers.generator": ("service.provider",),
    "answers.similarity": ("knowledge.search",),
    "guardrails": ("guardrails.guard",),
    "guardrails.processing": ("guardrails.guard",),
    "guardrails.validation": ("guardrails.guard",),
    "incidents": ("service.database",),
    "knowledge.backup": ("knowledge.database", "knowledge.disk"),
    "knowledge.cache": ("knowledge.query",),
    "knowledge.database": ("knowledge.disk",),
    "knowledge.documents": (
        "knowledge.database",
        "knowledge.disk",
        "knowledge.embedding",
        "knowledge.memory",
    ),
    "knowledge.embedding": ("knowledge.cpu", "knowledge.gpu"),
    "knowledge.engine": ("knowledge.qdrant",),
    "knowledge.search": (
        "knowledge.cache",
        "knowledge.cpu",
        "knowledge.database",
        "knowledge.embedding",
        "knowledge.engine",
        "knowledge.index",
        "knowledge.memory",
    ),
    "models": ("models.cache", "models.drift"),
    "models.drift": ("models.quality",),
    "notify": ("service.database",),
    "review": ("service.database",),
    "service.response": (REQUESTS,),
}
"""Components within one domain that others of it need; between domains the builders tell."""
_SERVES: Mapping[str, tuple[str, ...]] = {
    "answers": ("answers",),
    "knowledge": ("knowledge.documents", "knowledge.search"),
    "guardrails": ("guardrails",),
    "models": ("models",),
}
"""Components through which others use a domain."""
_APART = frozenset({"answers.export"})
"""Components that use no other domain."""
_OUTSIDE: Mapping[str, str] = {
    "artifacts": "models",
    "audit": "service",
    "channel": "notify",
    "engine": "knowledge.engine",
    "generator": "answers.generator",
    "prometheus": "rules",
    "tracing": "answers.export",
}
"""The component that calls a service outside, by the first word of the name of its breaker."""
_BY_COMPONENT: Mapping[str, str] = {
    "database": "knowledge.database",
    "embedding_model": "knowledge.embedding",
    "vector_store": "knowledge.index",
}


class OwnComponents:
    """Implements `OwnSystem` for the modules of one process.

    Args:
        assembly: Its modules; those that are added later count, too.
    """

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._owners: dict[str, Signal] | None = None
        self._between: Graph | None = None

    def graph(self) -> Graph:
        """Return the components that each component depends on."""
        found: dict[str, set[str]] = defaultdict(set)
        for edges in (INSIDE, self._between_domains(), self._outside()):
            for component, needed in edges.items():
                found[component].update(needed)
        return {name: tuple(sorted(needed)) for name, needed in sorted(found.items())}

    def node_of(self, labels: Mapping[str, str]) -> str:
        """Return the component that publishes a series; empty when none is known."""
        metric = labels.get(METRIC_NAME, "")
        signal = self._signals().get(metric)
        if signal is None:
            return REQUESTS if metric.startswith("http_") else ""
        if signal.name.startswith("service.dependency."):
            return labels.get("dependency", "")
        if signal.name == "knowledge.component.up":
            return _BY_COMPONENT.get(labels.get("component", ""), "knowledge.engine")
        if labels.get("database") == "knowledge.db":
            return "knowledge.database"
        return component_of(signal.name)

    def read_by(self, alert: str) -> tuple[str, ...]:
        """Return the components of which the rules of an alert of that name read metrics."""
        read = self._assembly.service(Monitoring).engine.metrics_of(alert)
        return tuple(sorted({node for name in read if (node := self.node_of({METRIC_NAME: name}))}))

    def _signals(self) -> Mapping[str, Signal]:
        if self._owners is None:
            declared = self._assembly.service(Catalog).signals.values()
            self._owners = {_exported(signal): signal for signal in declared}
        return self._owners

    def _between_domains(self) -> Graph:
        if self._between is None:
            modules = {module.name: module for module in self._assembly.modules}
            published = {
                name: {component_of(signal.name) for signal in module.signals}
                for name, module in modules.items()
            }
            self._between = dict(_edges(published, self._assembly.uses))
        return self._between

    def _outside(self) -> Graph:
        found: dict[str, set[str]] = defaultdict(set)
        for name in self._assembly.env.dependencies.states():
            caller = _OUTSIDE.get(name.partition(" ")[0])
            if caller is not None:
                found[caller].add(name)
        return {caller: tuple(names) for caller, names in found.items()}


def component_of(signal: str) -> str:
    """Return the component of a signal by its name."""
    return ".".join(signal.split(".")[:2]) if signal.count(".") > 1 else signal.partition(".")[0]


def _edges(
    published: Mapping[str, set[str]], uses: Mapping[str, Iterable[str]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what each component of a module needs of the modules that it was built with."""
    parts = {part for needed in INSIDE.values() for part in needed}
    every = {component for components in published.values() for component in components}
    found: dict[str, set[str]] = defaultdict(set)
    # The signals of a service may be published by a module of its own.
    owned = {name: components or {name} & every for name, components in published.items()}
    for name, used in uses.items():
        needed = {part for other in used for part in _SERVES.get(other, owned[other])}
        for component in owned[name] - _APART:
            if component not in parts or component in _SERVES.get(name, ()):
                found[component].update(needed - {component})
    yield from ((component, tuple(needed)) for component, needed in found.items() if needed)


def _exported(signal: Signal) -> str:
    if signal.counter:
        return signal.metric_name.removesuffix("_total") + "_total"
    return signal.metric_name
