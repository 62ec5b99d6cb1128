"""Ranks what has moved in trimtab itself since an alert of its own rules began."""

import threading
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from trimtab.incidents.model import IncidentAlert
from trimtab.incidents.rca.frame import Array, MetricColumn
from trimtab.incidents.rca.ranking import CauseRanking, rank_causes
from trimtab.incidents.rca.traversal import Graph, by_traversal
from trimtab.incidents.rca.windows import Windows
from trimtab.kernel.clock import Clock
from trimtab.monitoring.labels import METRIC_NAME, Labels, value_of
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import Selection
from trimtab.monitoring.views import SeriesView

MAX_SERIES = 1000
"""Series of one system that are compared at most."""
_LEFT_OUT = ("_bucket", "_created", "ALERTS")
_MODEL = "model"
_Values = Mapping[Labels, Array]


class OwnSystem(Protocol):
    """Knows the components of trimtab and what each of them depends on."""

    def graph(self) -> Graph:
        """Return the components that each component depends on."""
        ...

    def node_of(self, labels: Mapping[str, str]) -> str:
        """Return the component that publishes a series; empty when none is known."""
        ...

    def read_by(self, alert: str) -> Collection[str]:
        """Return the components of which the rules of an alert of that name read metrics."""
        ...


class OwnRanking:
    """Ranks the components of trimtab by how their metrics have moved.

    Args:
        samples: Of the service, without drills.
        clock: Of the service.
        system: Its components; None when they are not known. Then a component is the first word of
            a metric's name, and nothing leads the search.
    """

    def __init__(self, samples: SeriesView, clock: Clock, system: OwnSystem | None = None) -> None:
        self._samples = samples
        self._clock = clock
        self._system = system
        self._lock = threading.Lock()
        self._known: tuple[tuple[str, str], tuple[Windows, _Values]] | None = None

    def __call__(self, alert: IncidentAlert, begun: datetime) -> CauseRanking:
        """Return the ranking; it abstains when nothing can be compared or nothing has moved.

        Args:
            alert: Of trimtab's own rules.
            begun: When its condition began.
        """
        windows, values = self._read(begun)
        columns = {
            self._column(dict(labels)): found
            for labels, found in values.items()
            if _is_about(labels, alert)
        }
        if not columns:
            return CauseRanking((), "none", "no metric of this system is known")
        frames = windows.frames(columns)
        read = self._system.read_by(alert.name) if self._system is not None else ()
        if self._system is None or not read:
            return rank_causes(*frames)
        graph = {**self._system.graph(), alert.name: tuple(read)}
        return by_traversal(*frames, graph, alert.name)

    def _read(self, begun: datetime) -> tuple[Windows, _Values]:
        # The incidents of a storm begin together: their samples are read once.
        now = self._clock.now()
        key = (begun.isoformat(timespec="minutes"), now.isoformat(timespec="minutes"))
        with self._lock:
            if self._known is None or self._known[0] != key:
                windows = Windows(begun, now)
                self._known = key, (windows, self._values(windows))
            return self._known[1]

    def _values(self, windows: Windows) -> _Values:
        found: dict[Labels, dict[float, float]] = {}
        left_out: set[Labels] = set()
        for at in windows.instants():
            for sample in self._samples.latest(Selection(None), milliseconds(at)):
                points = found.get(sample.labels)
                if points is None and sample.labels not in left_out:
                    if len(found) >= MAX_SERIES or not is_compared(_metric(sample.labels)):
                        left_out.add(sample.labels)
                        continue
                    points = found[sample.labels] = {}
                if points is not None:
                    points[at.timestamp()] = sample.value
        return {labels: windows.values(points, _metric(labels)) for labels, points in found.items()}

    def _column(self, labels: Mapping[str, str]) -> MetricColumn:
        node = self._system.node_of(labels) if self._system is not None else ""
        name = series_name(labels)
        if not node:
            node, _, name = name.partition("_")
        return MetricColumn(node, name)


def _is_about(labels: Labels, alert: IncidentAlert) -> bool:
    """Return whether a series may explain the alert: what another model does explains nothing."""
    model, meant = value_of(labels, _MODEL), alert.labels.get(_MODEL, "")
    return not model or not meant or model == meant


def _metric(labels: Labels) -> str:
    return value_of(labels, METRIC_NAME)


def is_compared(metric: str) -> bool:
    """Return whether a metric of that name is compared: no buckets, no alerts."""
    return not metric.startswith(_LEFT_OUT[-1]) and not metric.endswith(_LEFT_OUT[:-1])


def series_name(labels: Mapping[str, str]) -> str:
    """Return the name of a series with its labels, for people."""
    others = ",".join(
        f"{name}={text}" for name, text in sorted(labels.items()) if name != METRIC_NAME
    )
    return labels.get(METRIC_NAME, "") + (f"{{{others}}}" if others else "")
