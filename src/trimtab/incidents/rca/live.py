"""Ranks what has moved since an incident began, on the samples of the service or of a server."""

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from trimtab.incidents.model import Incident
from trimtab.incidents.rca.contribution import Symptom, Target, additions
from trimtab.incidents.rca.frame import Array, MetricColumn, MetricFrame
from trimtab.incidents.rca.ranking import CauseRanking, rank_causes
from trimtab.incidents.rca.requests import EDGES, NodeSeries, edges, request_columns
from trimtab.incidents.rca.traversal import Graph, by_traversal
from trimtab.incidents.rca.windows import Windows
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError
from trimtab.monitoring.labels import METRIC_NAME
from trimtab.monitoring.prometheus import PrometheusSource
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import Selection
from trimtab.monitoring.views import SeriesView

_MAX_SERIES = 1000
_LEFT_OUT = ("_bucket", "_created", "ALERTS")
_SCOPES = ("cluster", "namespace", "environment", "job", "service")
"""Labels of an alert, one of which says what belongs to its system; the widest first."""
_NODES = ("service", "app", "job", "pod", "instance")
"""Labels that name the node of a series, the first that it has."""
_SYMPTOMS: tuple[Symptom, ...] = ("latency", "availability")


class LiveRanking:
    """Ranks the nodes of the system of an incident by how their metrics have moved.

    An incident of trimtab's own rules is looked up in its own samples, where a node is the domain
    of a metric. One from outside is looked up on the Prometheus server, when there is one. There a
    dependency graph that has the alert's node leads the search.

    Args:
        samples: Of the service, without drills.
        source: The server; None without one.
        clock: Of the service.
        dependencies: The nodes that each node depends on, as configured. Nodes of other systems
            have those of the service graph on the server.
    """

    def __init__(
        self,
        samples: SeriesView,
        source: PrometheusSource | None,
        clock: Clock,
        dependencies: Graph | None = None,
    ) -> None:
        self._samples = samples
        self._source = source
        self._clock = clock
        self._dependencies = dependencies or {}
        self._lock = threading.Lock()
        self._known: tuple[tuple[datetime, datetime], CauseRanking] | None = None

    def __call__(self, incident: Incident) -> CauseRanking:
        """Return the ranking; it abstains when nothing can be compared or nothing has moved."""
        first = min((each.alert for each in incident.alerts), key=lambda alert: alert.fired_at)
        begun = first.fired_at - timedelta(seconds=first.pending_seconds)
        if not first.source:
            return self._of_service(begun)
        if self._source is None:
            return CauseRanking((), "none", "no server with metrics of this system is configured")
        try:
            return self._on_server(self._source, first.labels, begun)
        except TrimtabError as error:
            return CauseRanking((), "none", f"its metrics cannot be read: {error.message}")

    def _of_service(self, begun: datetime) -> CauseRanking:
        # The incidents of a storm begin together: they are ranked once.
        now = self._clock.now().replace(second=0, microsecond=0)
        key = (begun.replace(second=0, microsecond=0), now)
        with self._lock:
            if self._known is None or self._known[0] != key:
                windows = Windows(begun, self._clock.now())
                self._known = key, _by_metrics(windows, self._own_columns(windows))
            return self._known[1]

    def _own_columns(self, windows: Windows) -> dict[MetricColumn, Array]:
        found: dict[tuple[tuple[str, str], ...], dict[float, float]] = {}
        for at in windows.instants():
            for sample in self._samples.latest(Selection(None), milliseconds(at)):
                if len(found) < _MAX_SERIES or tuple(sample.labels) in found:
                    points = found.setdefault(tuple(sample.labels), {})
                    points[at.timestamp()] = sample.value
        columns = {}
        for each, points in found.items():
            labels = dict(each)
            metric = labels.get(METRIC_NAME, "")
            column = MetricColumn(metric.partition("_")[0], _name(labels).partition("_")[2])
            if _is_compared(metric):
                columns[column] = windows.values(points, metric)
        return columns

    def _on_server(
        self, source: PrometheusSource, labels: Mapping[str, str], begun: datetime
    ) -> CauseRanking:
        scope = next((name for name in _SCOPES if labels.get(name)), "")
        if not scope:
            return CauseRanking((), "none", "the alert has no label that names its system")
        windows = Windows(begun, self._clock.now())
        value = labels[scope].replace("\\", "\\\\").replace('"', '\\"')
        series = _read(source, windows, f'{{{scope}="{value}"}}')
        graph = self._dependencies
        if _target(labels, graph) is None:
            called = _service_graph(source, windows)
            graph = edges(each.labels for each in called)
            series += called
        columns = {
            MetricColumn(each.node, _name(each.labels)): each.values
            for each in series
            if _is_compared(each.labels.get(METRIC_NAME, ""))
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
    found = source.history(selector, windows.now, window, step)[:_MAX_SERIES]
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


def _is_compared(metric: str) -> bool:
    return not metric.startswith(_LEFT_OUT[-1]) and not metric.endswith(_LEFT_OUT[:-1])


def _name(labels: Mapping[str, str]) -> str:
    others = ",".join(
        f"{name}={text}" for name, text in sorted(labels.items()) if name != METRIC_NAME
    )
    return labels.get(METRIC_NAME, "") + (f"{{{others}}}" if others else "")


def _node(labels: Mapping[str, str]) -> str:
    if labels.get(METRIC_NAME, "").startswith(EDGES):
        return labels.get("server", "unknown")
    return next((labels[name] for name in _NODES if labels.get(name)), "unknown")
