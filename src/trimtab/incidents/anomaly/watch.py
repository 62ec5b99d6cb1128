"""Watches series that have no threshold, and reports their anomalies as alerts."""

import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from trimtab.incidents.anomaly.detector import SeriesDetector
from trimtab.incidents.intake.fingerprint import fingerprint_of
from trimtab.incidents.intake.model import Batch, ReceivedAlert
from trimtab.incidents.intake.service import AlertIntake
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
"""An anomaly that a restart makes forget expires then."""
_LEARNED_FROM = timedelta(days=14)


@dataclass(slots=True)
class _Watched:
    """One series, its detector, and the anomaly that it has now."""

    labels: Mapping[str, str]
    detector: SeriesDetector
    since: datetime | None = None
    unusual_at: datetime | None = None


class AnomalyWatch:
    """Judges the newest value of each watched series.

    The detectors are kept in memory: after a restart they learn again for a day, unless a
    Prometheus server has the last two weeks.

    Args:
        expressions: PromQL, each of which has one or more series.
        samples: Of the service, without drills.
        source: Answers expressions that the service's samples do not have; None without a server.
        intake: Takes the alerts.
        clock: Of the service.
        step_seconds: Time between two looks.
    """

    def __init__(
        self,
        expressions: tuple[str, ...],
        samples: SeriesView,
        source: PrometheusSource | None,
        intake: AlertIntake,
        clock: Clock,
        step_seconds: float = 300.0,
    ) -> None:
        self._expressions = expressions
        self._samples = samples
        self._source = source
        self._intake = intake
        self._clock = clock
        self._step_seconds = step_seconds
        self._watched: dict[str, _Watched] = {}

    def look(self) -> None:
        """Judge the newest values, and report anomalies that began or are over."""
        now = self._clock.now()
        alerts = []
        for expression in self._expressions:
            for key, value in self._read(expression, now):
                if alert := self._judge(self._watched[key], expression, value, now):
                    alerts.append(alert)
        alerts += self._over(now)
        if alerts:
            self._intake.receive(Batch(tuple(alerts)))

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
        step = self._step_seconds
        known = any(key.startswith(f"{expression} ") for key in self._watched)
        window = timedelta(seconds=step) if known else _LEARNED_FROM
        newest = []
        for series in source.history(expression, now, window, step):
            points = [(at, value) for at, value in series.points if math.isfinite(value)]
            if not points:
                continue
            labels = dict(series.labels)
            if not known and (key := self._key(expression, labels)):
                for at, value in points[:-1]:
                    self._watched[key].detector.observe(at, value)
            newest.append((labels, points[-1][1]))
        return newest

    def _key(self, expression: str, labels: Mapping[str, str]) -> str:
        """Return the key of a series, which is watched from now on; empty beyond the limit."""
        key = f"{expression} {sorted(labels.items())}"
        if key not in self._watched:
            if len(self._watched) >= _MAX_SERIES:
                return ""
            self._watched[key] = _Watched(labels, SeriesDetector())
        return key

    def _judge(
        self, watched: _Watched, expression: str, value: float, now: datetime
    ) -> ReceivedAlert | None:
        detector = watched.detector
        score = detector.observe(now.timestamp(), value)
        if score < detector.margin:
            return None
        watched.unusual_at = now
        if watched.since is not None:
            return None
        watched.since = now
        text = (
            f"{expression} is {value:g}: its {detector.feature} is {score:.2f} times the largest"
            " that it has had."
        )
        return _alert(watched, expression, text, now, resolved=False)

    def _over(self, now: datetime) -> list[ReceivedAlert]:
        over = []
        for key, watched in self._watched.items():
            if watched.unusual_at is not None and now - watched.unusual_at >= _LASTS:
                expression = key.partition(" [")[0]
                over.append(_alert(watched, expression, "", now, resolved=True))
                watched.since = watched.unusual_at = None
        return over


def _alert(
    watched: _Watched, expression: str, text: str, now: datetime, *, resolved: bool
) -> ReceivedAlert:
    own = {name: value for name, value in watched.labels.items() if name != METRIC_NAME}
    labels = {**own, "alertname": ALERT, "series": expression[:200], "severity": "warning"}
    return ReceivedAlert(
        fingerprint=fingerprint_of(labels),
        labels=labels,
        annotations={"summary": text} if text else {},
        starts_at=watched.since or now,
        ends_at=now if resolved else now + _EXPIRES,
        resolved=resolved,
        source=SOURCE,
    )
