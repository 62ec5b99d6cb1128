"""Watches series that have no threshold, and reports their anomalies as alerts."""

import logging
import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice

from trimtab.incidents.anomaly.detector import SeriesDetector
from trimtab.incidents.anomaly.memory import DetectorMemory, WatchedSeries
from trimtab.incidents.intake.fingerprint import fingerprint_of
from trimtab.incidents.intake.model import Batch, ReceivedAlert
from trimtab.incidents.intake.service import AlertIntake
from trimtab.infra.settings.sections.monitor import MonitorSettings
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError
from trimtab.monitoring.labels import METRIC_NAME
from trimtab.monitoring.prometheus import PrometheusSource
from trimtab.monitoring.promql.evaluator import compile_expression
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.views import SeriesView

_log = logging.getLogger(__name__)
SOURCE = "anomaly"
"""Source of the alerts."""
ALERT = "AnomalousSeries"
_MAX_SERIES = 200
_LASTS = timedelta(hours=1)
"""Time without another unusual value after which an anomaly is over."""
_EXPIRES = timedelta(hours=24)
"""An anomaly of a series that is not watched any more expires then."""
_LEARNED_FROM = timedelta(days=14)


_SAVED_EVERY = timedelta(hours=1)
"""What was learned since is lost by a kill; the beginning and the end of an anomaly never is."""


class AnomalyWatch:
    """Judges the newest value of each watched series.

    What the detectors have learned is saved, so that a restart continues with it. A Prometheus
    server also teaches the time in which the service did not look, up to two weeks.

    Args:
        settings: PromQL of the series, and the time between two looks.
        samples: Of the service, without drills.
        source: Answers expressions that the service's samples do not have; None without a server.
        intake: Takes the alerts.
        clock: Of the service.
        memory: Keeps what was learned.
    """

    def __init__(
        self,
        settings: MonitorSettings,
        samples: SeriesView,
        source: PrometheusSource | None,
        intake: AlertIntake,
        clock: Clock,
        memory: DetectorMemory,
    ) -> None:
        self._expressions = settings.anomaly_series
        self._samples = samples
        self._source = source
        self._intake = intake
        self._clock = clock
        self._step_seconds = settings.anomaly_interval_seconds
        self._memory = memory
        self._watched: dict[str, WatchedSeries] = {}
        self._saved_at: datetime | None = None

    def look(self) -> None:
        """Judge the newest values, and report anomalies that began or are over."""
        now = self._clock.now()
        if self._saved_at is None:
            self._remember(now)
        alerts = []
        for expression in self._expressions:
            for key, value in self._read(expression, now):
                if alert := self._judge(self._watched[key], value, now):
                    alerts.append(alert)
        alerts += self._over(now)
        if alerts:
            self._intake.receive(Batch(tuple(alerts)))
        # Afterwards: an anomaly that is known but was not reported would never be.
        if alerts or self._saved_at is None or now - self._saved_at >= _SAVED_EVERY:
            self._save(now)

    def close(self) -> None:
        """Save what was learned, if anything was looked at."""
        if self._saved_at is not None:
            self._save(self._clock.now())

    def _remember(self, now: datetime) -> None:
        found = self._memory.load(now - _LEARNED_FROM, now)
        kept = ((key, each) for key, each in found.items() if each.expression in self._expressions)
        self._watched = dict(islice(kept, _MAX_SERIES))

    def _save(self, now: datetime) -> None:
        self._memory.save(self._watched)
        self._saved_at = now

    def _read(self, expression: str, now: datetime) -> Iterable[tuple[str, float]]:
        """Yield each series of an expression and its newest value, the first time its past, too."""
        try:
            found = compile_expression(expression).evaluate(self._samples, milliseconds(now))
            values = [(dict(each.labels), each.value) for each in found]
            if not values and self._source is not None:
                values = self._from_server(self._source, expression, now)
        except TrimtabError as error:
            _log.warning("a watched series cannot be read: %s", error.message)
            return
        for labels, value in values:
            if math.isfinite(value) and (key := self._key(expression, labels)):
                yield key, value

    def _from_server(
        self, source: PrometheusSource, expression: str, now: datetime
    ) -> list[tuple[dict[str, str], float]]:
        """Return the newest values, after the detectors have seen those since the last look."""
        step = timedelta(seconds=self._step_seconds)
        looked = [
            each.detector.newest_at
            for each in self._watched.values()
            if each.expression == expression
        ]
        missed = now.timestamp() - max(looked, default=-math.inf)
        window = _LEARNED_FROM
        if missed < window.total_seconds():
            window = max(step, timedelta(seconds=missed))
        newest = []
        for series in source.history(expression, now, window, self._step_seconds):
            points = [(at, value) for at, value in series.points if math.isfinite(value)]
            if not points:
                continue
            labels = dict(series.labels)
            if key := self._key(expression, labels):
                self._teach(self._watched[key].detector, points[:-1])
            newest.append((labels, points[-1][1]))
        return newest

    def _teach(self, detector: SeriesDetector, points: Iterable[tuple[float, float]]) -> None:
        # Half a step: the look before may have been a moment earlier or later than the server's.
        known = detector.newest_at + self._step_seconds / 2
        for at, value in points:
            if at > known:
                detector.observe(at, value)

    def _key(self, expression: str, labels: Mapping[str, str]) -> str:
        """Return the key of a series, which is watched from now on; empty beyond the limit."""
        key = f"{expression} {sorted(labels.items())}"
        if key not in self._watched:
            if len(self._watched) >= _MAX_SERIES:
                return ""
            self._watched[key] = WatchedSeries(expression, labels, SeriesDetector())
        return key

    def _judge(self, watched: WatchedSeries, value: float, now: datetime) -> ReceivedAlert | None:
        detector = watched.detector
        detector.bridge(now.timestamp(), self._step_seconds)
        score = detector.observe(now.timestamp(), value)
        if score < detector.margin:
            return None
        watched.unusual_at = now
        if watched.since is not None:
            return None
        watched.since = now
        text = (
            f"{watched.expression} is {value:g}: its {detector.feature} is {score:.2f} times the"
            " largest that it has had."
        )
        return _alert(watched, text, now, resolved=False)

    def _over(self, now: datetime) -> list[ReceivedAlert]:
        over = []
        for watched in self._watched.values():
            if watched.unusual_at is not None and now - watched.unusual_at >= _LASTS:
                over.append(_alert(watched, "", now, resolved=True))
                watched.since = watched.unusual_at = None
        return over


def _alert(watched: WatchedSeries, text: str, now: datetime, *, resolved: bool) -> ReceivedAlert:
    own = {name: value for name, value in watched.labels.items() if name != METRIC_NAME}
    series = watched.expression[:200]
    labels = {**own, "alertname": ALERT, "series": series, "severity": "warning"}
    return ReceivedAlert(
        fingerprint=fingerprint_of(labels),
        labels=labels,
        annotations={"summary": text} if text else {},
        starts_at=watched.since or now,
        ends_at=now if resolved else now + _EXPIRES,
        resolved=resolved,
        source=SOURCE,
    )
