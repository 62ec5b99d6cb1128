"""Ranks what has moved since an incident began, on the samples of the service or of a server."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from trimtab.incidents.model import Incident
from trimtab.incidents.rca.frame import Array, MetricColumn, MetricFrame
from trimtab.incidents.rca.ranking import CauseRanking, rank_causes
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError
from trimtab.monitoring.labels import METRIC_NAME
from trimtab.monitoring.prometheus import PrometheusSource
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import Selection
from trimtab.monitoring.views import SeriesView

_BEFORE = timedelta(hours=1)
_MARGIN = timedelta(minutes=1)
"""Time before the condition began that belongs to neither window."""
_MIN_STEP_SECONDS = 15.0
_STEPS = 120
_MAX_SERIES = 1000
_COUNTERS = ("_total", "_count", "_sum")
_LEFT_OUT = ("_bucket", "_created", "ALERTS")
_SCOPES = ("cluster", "namespace", "environment", "job", "service")
"""Labels of an alert, one of which says what belongs to its system; the widest first."""
_NODES = ("service", "app", "job", "pod", "instance")
"""Labels that name the node of a series, the first that it has."""

_Points = Mapping[float, float]


class LiveRanking:
    """Ranks the nodes of the system of an incident by how their metrics have moved.

    An incident of trimtab's own rules is looked up in its own samples, where a node is the domain
    of a metric. One from outside is looked up on the Prometheus server, when there is one.

    Args:
        samples: Of the service, without drills.
        source: The server; None without one.
        clock: Of the service.
    """

    def __init__(self, samples: SeriesView, source: PrometheusSource | None, clock: Clock) -> None:
        self._samples = samples
        self._source = source
        self._clock = clock
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
                series = {
                    MetricColumn(_domain(labels), _name(labels).partition("_")[2]): points
                    for labels, points in self._read(begun)
                }
                self._known = key, _ranked(series, begun, self._clock.now())
            return self._known[1]

    def _read(self, begun: datetime) -> Iterable[tuple[Mapping[str, str], _Points]]:
        found: dict[tuple[tuple[str, str], ...], dict[float, float]] = {}
        for at in _instants(begun, self._clock.now()):
            for sample in self._samples.latest(Selection(None), milliseconds(at)):
                if len(found) < _MAX_SERIES or tuple(sample.labels) in found:
                    points = found.setdefault(tuple(sample.labels), {})
                    points[at.timestamp()] = sample.value
        return ((dict(labels), points) for labels, points in found.items())

    def _on_server(
        self, source: PrometheusSource, labels: Mapping[str, str], begun: datetime
    ) -> CauseRanking:
        scope = next((name for name in _SCOPES if labels.get(name)), "")
        if not scope:
            return CauseRanking((), "none", "the alert has no label that names its system")
        now = self._clock.now()
        value = labels[scope].replace("\\", "\\\\").replace('"', '\\"')
        window = now - _instants(begun, now)[0]
        found = source.history(f'{{{scope}="{value}"}}', now, window, _step_seconds(begun, now))
        series = {
            MetricColumn(_node(each.labels), _name(each.labels)): dict(each.points)
            for each in found[:_MAX_SERIES]
        }
        return _ranked(series, begun, now)


def ranking_text(ranking: CauseRanking, shown: int = 3) -> str:
    """Return the ranking as one clause."""
    if not ranking.cause:
        return f"no cause named: {ranking.abstained_because or 'no node is known'}"
    nodes = [f"{each.node} ({each.evidence})" for each in ranking.nodes[:shown]]
    return "; ".join(nodes)


def _ranked(series: Mapping[MetricColumn, _Points], begun: datetime, now: datetime) -> CauseRanking:
    step = _step_seconds(begun, now)
    times = [at.timestamp() for at in _instants(begun, now)]
    columns = [column for column in series if not column.metric.startswith(_LEFT_OUT[-1])]
    columns = [each for each in columns if not _base(each.metric).endswith(_LEFT_OUT[:-1])]
    if not columns:
        return CauseRanking((), "none", "no metric of this system is known")
    values = np.column_stack([_values(series[each], times, step, each.metric) for each in columns])
    before = [index for index, at in enumerate(times) if at < (begun - _MARGIN).timestamp()]
    during = [index for index, at in enumerate(times) if at >= begun.timestamp()]
    normal = MetricFrame(tuple(columns), values[before])
    abnormal = MetricFrame(tuple(columns), values[during])
    return rank_causes(*_measured(normal, abnormal))


def _measured(normal: MetricFrame, abnormal: MetricFrame) -> tuple[MetricFrame, MetricFrame]:
    """Return the columns that have values in at least half of both windows."""
    kept = [
        column
        for index, column in enumerate(normal.columns)
        if _mostly(normal.values[:, index]) and _mostly(abnormal.values[:, index])
    ]
    return normal.only(kept), abnormal.only(kept)


def _mostly(values: Array) -> bool:
    return len(values) > 0 and float(np.isfinite(values).mean()) >= 0.5


def _values(points: _Points, times: Sequence[float], step: float, metric: str) -> Array:
    known = np.full(len(times), np.nan)
    for at, value in points.items():
        # A server rounds instants to milliseconds.
        place = round((at - times[0]) / step)
        if 0 <= place < len(times):
            known[place] = value
    if not _base(metric).endswith(_COUNTERS):
        return known
    # A counter that falls was reset.
    steps = np.diff(known, prepend=np.nan) / step
    return np.where(steps < 0, np.nan, steps)


def _instants(begun: datetime, now: datetime) -> list[datetime]:
    """Return the instants of both windows, the oldest first, aligned with the newest."""
    step = timedelta(seconds=_step_seconds(begun, now))
    count = int((now - begun + _BEFORE) / step)
    return [now - step * number for number in range(count, -1, -1)]


def _step_seconds(begun: datetime, now: datetime) -> float:
    return max(_MIN_STEP_SECONDS, (now - begun + _BEFORE).total_seconds() / _STEPS)


def _base(metric: str) -> str:
    return metric.partition("{")[0]


def _name(labels: Mapping[str, str]) -> str:
    others = ",".join(
        f"{name}={text}" for name, text in sorted(labels.items()) if name != METRIC_NAME
    )
    return labels.get(METRIC_NAME, "") + (f"{{{others}}}" if others else "")


def _domain(labels: Mapping[str, str]) -> str:
    return labels.get(METRIC_NAME, "").partition("_")[0]


def _node(labels: Mapping[str, str]) -> str:
    return next((labels[name] for name in _NODES if labels.get(name)), "unknown")
