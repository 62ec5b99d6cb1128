"""A Prometheus server as further evidence for checks and outside alerts."""

import math
import statistics
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from promql_parser import BinaryExpr, ParenExpr, parse

from trimtab.incidents.model import IncidentAlert
from trimtab.incidents.ports import AlertMonitor, CheckJudgement
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.operable import Sample
from trimtab.monitoring.labels import METRIC_NAME
from trimtab.monitoring.prometheus import PrometheusSource, RangeSeries

_COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
_WINDOW = timedelta(hours=1)
_SHOWN = 3
"""Series of one expression that are shown."""


class MonitorWithPrometheus:
    """Asks the server what the embedded rules cannot tell; implements `AlertMonitor`.

    Args:
        embedded: Judges first: it knows trimtab's own metrics.
        source: The server.
        clock: Of the service.
    """

    def __init__(self, embedded: AlertMonitor, source: PrometheusSource, clock: Clock) -> None:
        self._embedded = embedded
        self._source = source
        self._clock = clock

    def judge(self, expression: str, *, drill: bool = False, process: str = "") -> CheckJudgement:
        """Return whether the expression holds, by the embedded samples or else by the server."""
        found = self._embedded.judge(expression, drill=drill, process=process)
        # The server's samples do not tell drills from users.
        if found.holds is not None or drill:
            return found
        judged = self._source.judge(expression, self._clock.now())
        samples = [
            Sample(each.value, {k: v for k, v in each.labels.items() if k != METRIC_NAME})
            for each in judged.samples
        ]
        reason = judged.reason and f"{found.reason}; Prometheus: {judged.reason}"
        return CheckJudgement(judged.holds, reason, samples)

    def evaluate(self, expression: str, *, drill: bool = False) -> Sequence[Sample]:
        """Return the series for which the expression holds in the embedded samples."""
        return self._embedded.evaluate(expression, drill=drill)

    def counts_drills_apart(self, alert: str) -> bool:
        """Return whether the alert's rule can tell drills from users."""
        return self._embedded.counts_drills_apart(alert)

    def firing(self, fingerprint: str) -> bool:
        """Return whether the rules' alert of that fingerprint fires now."""
        return self._embedded.firing(fingerprint)

    def sampled_since(self, at: datetime) -> bool:
        """Return whether embedded samples have arrived since then and still arrive."""
        return self._embedded.sampled_since(at)


class AlertHistory:
    """Looks up the expression of an outside alert on the server: now, and over the last hour.

    Args:
        source: The server.
        clock: Of the service.
    """

    def __init__(self, source: PrometheusSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock

    def __call__(self, alert: IncidentAlert) -> Mapping[str, str]:
        """Return what the server says, by expression; empty for an alert without one."""
        if not alert.expression:
            return {}
        now = self._clock.now()
        try:
            judged = self._source.judge(alert.expression, now)
            found = {alert.expression: _judged_text(judged.holds, judged.reason)}
            measured = left_side(alert.expression)
            for series in self._source.history(measured, now, _WINDOW)[:_SHOWN]:
                found[series.name if series.labels else measured] = _history_text(series)
        except TrimtabError as error:
            return {alert.expression: f"cannot tell: {error.message}"}
        return found


def expression_of(generator_url: str) -> str:
    """Return the expression in the link of a Prometheus alert; empty without one."""
    try:
        found = parse_qs(urlsplit(generator_url).query).get("g0.expr", [""])[0]
    except ValueError:
        return ""
    return found[:4000]


def left_side(expression: str) -> str:
    """Return what a comparison measures: its left side, or all of another expression."""
    try:
        node = parse(expression)
    except ValueError:
        return expression
    while isinstance(node, ParenExpr):
        node = node.expr
    if isinstance(node, BinaryExpr) and str(node.op) in _COMPARISONS:
        return str(node.lhs.prettify()).strip()
    return expression


def _judged_text(holds: bool | None, reason: str) -> str:
    if holds is None:
        return f"cannot tell: {reason}"
    return "holds" if holds else "does not hold"


def _history_text(series: RangeSeries) -> str:
    values = [value for _, value in series.points if not math.isnan(value)]
    if not values:
        return "no data in the last hour"
    return (
        f"last hour: {min(values):.4g} to {max(values):.4g}, median"
        f" {statistics.median(values):.4g}, now {values[-1]:.4g}"
    )
