"""Adapter from the embedded rule engine to the operator's alert monitor."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from trimtab.incidents.model import IncidentAlert
from trimtab.incidents.ports import CheckJudgement, HeldAlerts
from trimtab.incidents.service import Incidents
from trimtab.kernel.clock import Clock
from trimtab.kernel.operable import Sample
from trimtab.monitoring.alerts import Alert as RuleAlert
from trimtab.monitoring.alerts import AlertFired, AlertState, Transition
from trimtab.monitoring.checks import check, compile_check
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.labels import METRIC_NAME, PROCESS
from trimtab.monitoring.promql.coverage import MISSED_SCRAPES
from trimtab.monitoring.promql.values import Element
from trimtab.monitoring.scrape import instant_of, milliseconds
from trimtab.monitoring.series import Selection, SeriesStore
from trimtab.monitoring.views import SeriesView

_compiled = lru_cache(maxsize=1024)(compile_check)


class EmbeddedMonitor:
    """Implements `AlertMonitor` on trimtab's own samples and rules.

    Args:
        engine: Knows which alerts fire.
        samples: What the rules and checks are evaluated on.
        clock: The service's.
        scrape_seconds: The time between two scrapes; after three missed ones nothing counts as
            proof.
        apart: The metrics that count drills apart, or that no drill moves.
        own: Id of this process in the fleet.
    """

    def __init__(
        self,
        engine: RuleEngine,
        samples: SeriesStore,
        clock: Clock,
        scrape_seconds: float,
        apart: frozenset[str] = frozenset(),
        own: str = "",
    ) -> None:
        self._engine = engine
        self._samples = samples
        self._apart = apart
        self._own = own
        self._clock = clock
        self._scrape_seconds = scrape_seconds
        self._fresh = timedelta(seconds=MISSED_SCRAPES * scrape_seconds)

    def evaluate(self, expression: str, *, drill: bool = False) -> Sequence[Sample]:
        """Return the series for which the expression holds now, for users or for a drill.

        Raises:
            ExpressionRefused: It is no check.
            EvaluationFailed: The samples allow no answer.
        """
        at_ms = milliseconds(self._clock.now())
        view = SeriesView(self._samples, self._apart, drill)
        return _samples_of(_compiled(expression).evaluate(view, at_ms))

    def judge(self, expression: str, *, drill: bool = False, process: str = "") -> CheckJudgement:
        """Evaluate a check for users or for a drill; unknown if samples are missing.

        The alert of another process is judged by the series of that process: what holds for this
        one says nothing about it. A name that no process has, such as a label of an alert from
        outside, is not considered.

        Raises:
            ExpressionRefused: It is no check.
        """
        now = self._clock.now()
        newest_ms = self._samples.newest_ms()
        if newest_ms is not None and now - instant_of(newest_ms) > self._fresh:
            return CheckJudgement(None, "no samples have come lately")
        if process != self._own:
            if self._samples.newest_ms(process) is None:
                process = ""
            elif not self._answers(process, milliseconds(now)):
                return CheckJudgement(None, f"process {process} does not answer")
        view = SeriesView(self._samples, self._apart, drill, process)
        found = check(_compiled(expression), view, now, self._scrape_seconds)
        return CheckJudgement(found.holds, found.reason, _samples_of(found.samples))

    def counts_drills_apart(self, alert: str) -> bool:
        """Return whether the rule of that alert reads series in which drills are counted apart."""
        return not self._apart.isdisjoint(self._engine.metrics_of(alert))

    def firing(self, fingerprint: str) -> bool:
        """Return whether the alert fires."""
        return any(
            each.fingerprint == fingerprint for each in self._engine.alerts(AlertState.FIRING)
        )

    def sampled_since(self, at: datetime) -> bool:
        """Return whether a scrape came after that instant and within the last three."""
        newest_ms = self._samples.newest_ms()
        if newest_ms is None:
            return False
        oldest = max(at, self._clock.now() - self._fresh)
        return newest_ms >= oldest.timestamp() * 1000

    def _answers(self, process: str, at_ms: int) -> bool:
        up = self._samples.latest(Selection("up", ((PROCESS, process.__eq__),)), at_ms)
        return any(each.value == 1 for each in up)


def _samples_of(found: Iterable[Element]) -> list[Sample]:
    return [
        Sample(each.value, {name: text for name, text in each.labels if name != METRIC_NAME})
        for each in found
    ]


def deliver(transition: Transition, incidents: Incidents, held: HeldAlerts | None = None) -> None:
    """Report an alert that fired or resolved to the operator; safe to repeat.

    Args:
        transition: Of the rule engine.
        incidents: Receive it.
        held: Keeps an alert that is silenced; None when nothing silences alerts.
    """
    if isinstance(transition, AlertFired):
        alert = alert_of(transition)
        if held is not None and held.mutes(alert):
            held.hold(alert)
        else:
            incidents.alert_fired(alert)
    else:
        if held is not None:
            held.release(transition.alert.fingerprint, transition.at)
        incidents.alert_resolved(transition.alert.fingerprint, transition.at)


def firing_before(incidents: Incidents) -> list[RuleAlert]:
    """Return the alerts that were firing at the last stop, for `RuleEngine.resume`."""
    return [
        RuleAlert(
            fingerprint=alert.fingerprint,
            name=alert.name,
            state=AlertState.FIRING,
            labels=alert.labels,
            annotations=alert.annotations,
            value=alert.value,
            since=alert.fired_at,
        )
        for alert in incidents.firing_alerts()
    ]


def alert_of(fired: AlertFired) -> IncidentAlert:
    """Convert an alert of the rule engine to an alert of the operator."""
    alert = fired.alert
    return IncidentAlert(
        fingerprint=alert.fingerprint,
        name=alert.name,
        labels=alert.labels,
        annotations=alert.annotations,
        value=alert.value,
        fired_at=fired.at,
        pending_seconds=max(0.0, (fired.at - alert.since).total_seconds()),
    )
