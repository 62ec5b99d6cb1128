"""Ranks what has moved since an incident began, on the samples of the service or of a server."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from trimtab.incidents.model import Incident
from trimtab.incidents.rca.contribution import Symptom, Target, additions
from trimtab.incidents.rca.frame import Array, MetricColumn, MetricFrame
from trimtab.incidents.rca.own import MAX_SERIES, OwnRanking, OwnSystem, is_compared, series_name
from trimtab.incidents.rca.ranking import CauseRanking, rank_causes
from trimtab.incidents.rca.requests import EDGES, NodeSeries, edges, request_columns
from trimtab.incidents.rca.traversal import Graph, by_traversal
from trimtab.incidents.rca.windows import Windows
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError
from trimtab.monitoring.labels import METRIC_NAME, quoted
from trimtab.monitoring.prometheus import PrometheusSource
from trimtab.monitoring.views import SeriesView

_SCOPES = ("cluster", "namespace", "environment", "job", "service")
"""Labels of an alert, one of which says what belongs to its system; the widest first."""
_NODES = ("service", "app", "job", "pod", "instance")
"""Labels that name the node of a series, the first that it has."""
_SYMPTOMS: tuple[Symptom, ...] = ("latency", "availability")


class LiveRanking:
    """Ranks the nodes of the system of an incident by how their metrics have moved.

    An incident of trimtab's own rules is looked up in its own samples, where a node is a component.
    One from outside is looked up on the Prometheus server, when there is one. A dependency graph
    that has the alert's node leads the search.

    Args:
        samples: Of the service, without drills.
        source: The server; None without one.
        clock: Of the service.
        dependencies: The nodes that each node depends on, as configured. Nodes of other systems
            have those of the service graph on the server.
        own: The components of trimtab itself.
    """

    def __init__(
        self,
        samples: SeriesView,
        source: PrometheusSource | None,
        clock: Clock,
        dependencies: Graph | None = None,
        own: OwnSystem | None = None,
    ) -> None:
        self._own = OwnRanking(samples, clock, own)
        self._system = own
        self._source = source
        self._clock = clock
        self._dependencies = dependencies or {}

    def __call__(self, incident: Incident) -> CauseRanking:
        """Return the ranking; it abstains when nothing can be compared or nothing has moved."""
        first = min((each.alert for each in incident.alerts), key=lambda alert: alert.fired_at)
        # A sender whose clock is ahead dates its alert in the future.
        begun = min(first.fired_at - timedelta(seconds=first.pending_seconds), self._clock.now())
        if not first.source:
            return self._own(first, begun)
        if self._source is None:
            return CauseRanking((), "none", "no server with metrics of this system is configured")
        try:
            return self._on_server(self._source, first.labels, begun)
        except TrimtabError as error:
            return CauseRanking((), "none", f"its metrics cannot be read: {error.message}")

    def dependencies(self) -> Graph:
        """Return what each component of trimtab and each node of the file of alerts depends on."""
        own = self._system.graph() if self._system is not None else {}
        return {**own, **self._dependencies}

    def _on_server(
        self, source: PrometheusSource, labels: Mapping[str, str], begun: datetime
    ) -> CauseRanking:
        scope = next((name for name in _SCOPES if labels.get(name)), "")
        if not scope:
            return CauseRanking((), "none", "the alert has no label that names its system")
        windows = Windows(begun, self._clock.now())
        series = _read(source, windows, f"{{{scope}={quoted(labels[scope])}}}")
        graph = self._dependencies
        if _target(labels, graph) is None:
            called = _service_graph(source, windows)
            graph = edges(each.labels for each in called)
            series += called
        columns = {
            MetricColumn(each.node, series_name(each.labels)): each.values
            for each in series
            if is_compared(each.labels.get(METRIC_NAME, ""))
        }
        target = _target(labels, graph)
        if target is None:
            return _by_metrics(windows, columns)
        return _by_graph(windows, columns, series, graph, target)


def ranking_text(ranking: CauseRanking, shown: int = 3) -> str:
    """Return the ranking as one clause."""
    if not ranking.cause:
        return f"no cause named: {ranking.abstained_because or 'no node is known'}"
    nodes = [f"{each.node} ({each.evidence})" for each in ranking.nodes[:shown]]
    return "; ".join(nodes)


def _by_metrics(windows: Windows, columns: Mapping[MetricColumn, Array]) -> CauseRanking:
    if not columns:
        return CauseRanking((), "none", "no metric of this system is known")
    return rank_causes(*windows.frames(columns))


def _by_graph(
    windows: Windows,
    columns: Mapping[MetricColumn, Array],
    series: Sequence[NodeSeries],
    graph: Graph,
    target: str,
) -> CauseRanking:
    """Follow requests as far as they are measured, else the metrics that moved."""
    requests = request_columns(series, windows.step_seconds)
    measured = {column.node for column in requests}
    normal, abnormal = windows.frames(requests)
    for problem in _worst_first(normal, abnormal, target):
        found = rank_causes(normal, abnormal, graph, problem)
        # A cause that may only pass on what comes from a node without requests is none.
        if found.cause and measured.issuperset(graph.get(found.cause, ())):
            return found
    if not columns:
        return CauseRanking((), "none", "no metric of this system is known")
    return by_traversal(*windows.frames(columns), graph, target)


def _worst_first(normal: MetricFrame, abnormal: MetricFrame, node: str) -> list[Target]:
    """Return latency and availability of the node, as far as known, the one that is worse first."""
    added = {
        Target(node, symptom): addition.significance
        for symptom in _SYMPTOMS
        if (addition := additions(normal, abnormal, Target(node, symptom)).get(node)) is not None
    }
    return sorted(added, key=lambda problem: -added[problem])


def _read(source: PrometheusSource, windows: Windows, selector: str) -> list[NodeSeries]:
    step = windows.step_seconds
    window = windows.now - windows.instants()[0]
    found = source.history(selector, windows.now, window, step)[:MAX_SERIES]
    return [
        NodeSeries(
            _node(each.labels),
            each.labels,
            windows.values(dict(each.points), each.labels.get(METRIC_NAME, "")),
        )
        for each in found
    ]


def _service_graph(source: PrometheusSource, windows: Windows) -> list[NodeSeries]:
    try:
        return _read(source, windows, f'{{__name__=~"{EDGES}.+",client!="",server!=""}}')
    except TrimtabError:
        return []  # Without a graph metrics are compared as they are.


def _target(labels: Mapping[str, str], graph: Graph) -> str | None:
    """Return the alert's node in the graph; None if the graph does not have it."""
    return next((labels[name] for name in _NODES if labels.get(name, "") in graph), None)


def _node(labels: Mapping[str, str]) -> str:
    if labels.get(METRIC_NAME, "").startswith(EDGES):
        return labels.get("server", "unknown")
    return next((labels[name] for name in _NODES if labels.get(name)), "unknown")
