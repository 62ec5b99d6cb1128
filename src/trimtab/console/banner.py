"""Banner of the overview: the worst of components, open incidents and firing alerts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trimtab.incidents import Incident, State
from trimtab.incidents.model import IncidentSeverity
from trimtab.incidents.triage import CANONICAL
from trimtab.kernel.health import ComponentHealth, Status, overall
from trimtab.monitoring.alerts import Alert, AlertState

_TONES: Mapping[IncidentSeverity, Status] = {
    IncidentSeverity.P0: Status.DOWN,
    IncidentSeverity.P1: Status.DOWN,
    IncidentSeverity.P2: Status.DEGRADED,
    IncidentSeverity.P3: Status.DEGRADED,
}
"""Colour of the banner for each severity, as the status of a component that has it."""
_ORDER = (Status.DOWN, Status.DEGRADED, Status.UP)


@dataclass(frozen=True, slots=True)
class Banner:
    """The most important state, shown at the top of the overview."""

    tone: Status
    title: str
    severity: str = ""
    """Of the incident or alert that the title names; empty for components."""
    incident: Incident | None = None
    """The open incident to look at: one that waits for a decision, otherwise the worst."""


def banner_of(
    components: Mapping[str, ComponentHealth],
    active: Sequence[Incident],
    alerts: Sequence[Alert],
) -> Banner:
    """Return the banner for the worst that is known; among equals an incident before an alert.

    Args:
        components: By name.
        active: The open incidents.
        alerts: Pending and firing ones; pending ones do not count.
    """
    waiting = [each for each in active if each.state is State.AWAITING_APPROVAL]
    linked = min(waiting or active, key=lambda each: each.severity, default=None)
    candidates: list[Banner] = []
    if active:
        worst = min(active, key=lambda each: each.severity)
        candidates.append(_named(worst.severity, worst.title, linked))
    firing = [alert for alert in alerts if alert.state is AlertState.FIRING]
    if firing:
        loudest = min(firing, key=severity_of_alert)
        title = loudest.annotations.get("title") or loudest.name
        candidates.append(_named(severity_of_alert(loudest), title, linked))
    candidates.append(_of_components(components, linked))
    return min(candidates, key=lambda each: _ORDER.index(each.tone))


def severity_of_alert(alert: Alert) -> IncidentSeverity:
    """Return the severity of an alert's label; P2 where the label says nothing known."""
    label = alert.severity
    known = next((each for each in IncidentSeverity if label.startswith(each)), None)
    return known or CANONICAL.get(label.lower(), IncidentSeverity.P2)


def _named(severity: IncidentSeverity, title: str, linked: Incident | None) -> Banner:
    return Banner(_TONES[severity], title, severity.value, linked)


def _of_components(components: Mapping[str, ComponentHealth], linked: Incident | None) -> Banner:
    status = overall(components)
    names = [name.replace("_", " ") for name, each in components.items() if each.status != "up"]
    titles = {
        Status.UP: "Everything is up",
        Status.DOWN: "The service is down",
        Status.DEGRADED: f"Degraded: {', '.join(names)}",
    }
    return Banner(status, titles[status], incident=linked)
