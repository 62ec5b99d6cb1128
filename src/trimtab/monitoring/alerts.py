"""Alert states: inactive, pending (``for``), firing (``keep_firing_for``), resolved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from trimtab.kernel.ids import content_id
from trimtab.monitoring.errors import EvaluationFailed
from trimtab.monitoring.files import RUNBOOK_SCHEME
from trimtab.monitoring.labels import METRIC_NAME, Labels, changed, labels_of
from trimtab.monitoring.promql.values import Vector
from trimtab.monitoring.rule import AlertRule
from trimtab.monitoring.scrape import instant_of

ALERT_NAME = "alertname"


class AlertState(StrEnum):
    """State of an active alert: pending or firing."""

    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True)
class Alert:
    """Alert at one instant, identified by its labels.

    The same labels have the same fingerprint.
    """

    fingerprint: str
    name: str
    state: AlertState
    labels: Mapping[str, str]
    """With ``alertname``."""
    annotations: Mapping[str, str]
    value: float
    """The expression's value when it was last there."""
    since: datetime
    """When the expression first had the element, before any ``for``."""

    @property
    def severity(self) -> str:
        """Return the label ``severity``, or the empty text."""
        return self.labels.get("severity", "")

    @property
    def runbook(self) -> str | None:
        """Return the runbook's id when the alert names one of ours."""
        url = self.annotations.get("runbook_url", "")
        return url.removeprefix(RUNBOOK_SCHEME) if url.startswith(RUNBOOK_SCHEME) else None


@dataclass(frozen=True, slots=True)
class AlertFired:
    """An alert began to fire."""

    alert: Alert
    at: datetime


@dataclass(frozen=True, slots=True)
class AlertResolved:
    """An alert that was firing no longer is."""

    alert: Alert
    at: datetime


Transition = AlertFired | AlertResolved


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return the id of the alert with these labels, stable across restarts."""
    return content_id("alert", *(part for pair in sorted(labels.items()) for part in pair))


@dataclass(slots=True)
class _Active:
    labels: Labels
    annotations: dict[str, str]
    value: float
    active_ms: int
    state: AlertState = AlertState.PENDING
    gone_since_ms: int | None = None


class AlertBook:
    """The alerts of one rule.

    Args:
        rule: The rule whose results are given to `update`.
    """

    def __init__(self, rule: AlertRule) -> None:
        self._rule = rule
        self._active: dict[Labels, _Active] = {}

    def update(self, result: Vector, at_ms: int) -> list[Transition]:
        """Apply the rule's result at an instant and return the transitions in order.

        Raises:
            EvaluationFailed: Two elements have the same labels once the rule's labels are set;
            nothing is changed.
        """
        found = self._match_elements(result, at_ms)
        for labels, alert in found.items():
            known = self._active.setdefault(labels, alert)
            known.value, known.annotations = alert.value, alert.annotations
        transitions: list[Transition] = []
        for labels, alert in list(self._active.items()):
            if labels in found:
                alert.gone_since_ms = None
            elif not self._keeps_firing(alert, at_ms):
                del self._active[labels]
                if alert.state is AlertState.FIRING:
                    transitions.append(AlertResolved(self._seen(alert), instant_of(at_ms)))
                continue
            if self._fires(alert, at_ms):
                alert.state = AlertState.FIRING
                transitions.append(AlertFired(self._seen(alert), instant_of(at_ms)))
        return transitions

    def clear(self) -> None:
        """Forget all alerts, without transitions."""
        self._active.clear()

    def resume(
        self, labels: Mapping[str, str], annotations: Mapping[str, str], since: datetime
    ) -> None:
        """Resume an alert that was firing when the process ended and notice its end."""
        key = labels_of(labels)
        if key not in self._active:
            at_ms = round(since.timestamp() * 1000)
            self._active[key] = _Active(
                key, dict(annotations), float("nan"), at_ms, AlertState.FIRING
            )

    def alerts(self) -> list[Alert]:
        """Return the pending and firing alerts."""
        return [self._seen(alert) for alert in self._active.values()]

    def samples(self) -> list[tuple[Labels, float]]:
        """Return the ``ALERTS`` series of this rule, as Prometheus writes them."""
        return [
            (changed(a.labels, {METRIC_NAME: "ALERTS", "alertstate": a.state.value}), 1.0)
            for a in self._active.values()
        ]

    def _match_elements(self, result: Vector, at_ms: int) -> dict[Labels, _Active]:
        found: dict[Labels, _Active] = {}
        for element in result:
            own = {name: t.expand(element.labels, element.value) for name, t in self._rule.labels}
            labels = changed(element.labels, {METRIC_NAME: "", **own, ALERT_NAME: self._rule.name})
            if labels in found:
                raise EvaluationFailed("Two results have the same labels after the rule's labels.")
            annotations = {
                name: t.expand(element.labels, element.value) for name, t in self._rule.annotations
            }
            found[labels] = _Active(labels, annotations, element.value, at_ms)
        return found

    def _fires(self, alert: _Active, at_ms: int) -> bool:
        held_ms = at_ms - alert.active_ms
        return alert.state is AlertState.PENDING and held_ms >= self._rule.hold_seconds * 1000

    def _keeps_firing(self, alert: _Active, at_ms: int) -> bool:
        if alert.state is AlertState.PENDING or self._rule.keep_firing_seconds <= 0:
            return False
        if alert.gone_since_ms is None:
            alert.gone_since_ms = at_ms
        return at_ms - alert.gone_since_ms < self._rule.keep_firing_seconds * 1000

    def _seen(self, alert: _Active) -> Alert:
        labels = dict(alert.labels)
        return Alert(
            fingerprint=fingerprint(labels),
            name=self._rule.name,
            state=alert.state,
            labels=labels,
            annotations=dict(alert.annotations),
            value=alert.value,
            since=instant_of(alert.active_ms),
        )
