"""Classifies an incident: severity, source system, escalation ladder and runbooks."""

import re
from collections.abc import Mapping

from trimtab.incidents.context import IncidentContext
from trimtab.incidents.messages import alert_text, broadcast
from trimtab.incidents.model import Incident, IncidentAlert, IncidentSeverity
from trimtab.incidents.state import State
from trimtab.incidents.transition import NewEntry, Transition, moved
from trimtab.infra.notify import Kind
from trimtab.kernel.drilling import is_marked
from trimtab.monitoring.alerts import fingerprint
from trimtab.monitoring.labels import PROCESS

CANONICAL: Mapping[str, IncidentSeverity] = {
    "critical": IncidentSeverity.P1,
    "page": IncidentSeverity.P1,
    "high": IncidentSeverity.P1,
    "error": IncidentSeverity.P2,
    "warning": IncidentSeverity.P2,
    "medium": IncidentSeverity.P2,
    "low": IncidentSeverity.P3,
    "info": IncidentSeverity.P3,
    "none": IncidentSeverity.P3,
}
"""Labels of sources that do not count from P0 to P3. Alert levels are not severities, but when
nothing better is known CRITICAL is P1 and WARNING is P2.
"""

NATIVE: Mapping[str, tuple[str, str, str, str]] = {
    "KB": ("P0 (Critical)", "P1 (High)", "P2 (Medium)", "P3 (Low)"),
    "AOPS": ("P1 — Critical", "P1 — Critical", "P2 — Warning", "P3 — Info"),
    "MISO": ("Critical", "Critical", "Warning", "Low"),
    "HYB": ("Critical", "Critical", "P2", "P3"),
    "ENT": ("P0", "P1", "P2", "P3"),
}
"""How each source would write P0, P1, P2 and P3."""

_DEFAULT_LADDER = "knowledge"


def triage(context: IncidentContext, incident: Incident) -> Transition:
    """Classify the incident and announce it."""
    now = context.now()
    books = context.runbooks_of(incident)
    procedures = context.procedures_of(incident)
    ladder = books[0].ladder if books else incident.alert.labels.get("ladder", _DEFAULT_LADDER)
    if ladder not in context.ladders:
        ladder = _DEFAULT_LADDER
    system = incident.alert.labels.get("system") or (books[0].system if books else "")
    system = system.upper() or context.ladders[ladder].system
    severity = severity_of(incident.alert, books[0].severity if books else "")
    after = moved(
        incident,
        State.TRIAGED,
        now,
        severity=severity,
        native_severity=native_label(system, severity),
        system=system,
        ladder=ladder,
        runbooks=(*(book.id for book in books), *(page.id for page in procedures)),
        triaged_at=now,
    )
    text = f"Triaged as {severity} ({after.native_severity}); " + (
        f"runbooks: {', '.join(after.runbooks)}."
        if after.runbooks
        else "no runbook knows this alert."
    )
    entry = NewEntry(
        f"{incident.episode.number}.triaged",
        text,
        facts={
            "severity": severity,
            "system": system,
            "ladder": ladder,
            "runbooks": after.runbooks,
        },
    )
    return Transition(after, (entry,), broadcast(after, Kind.ALERT, alert_text(after), "alert"))


def raise_severity(context: IncidentContext, incident: Incident) -> Transition | None:
    """Return the transition to the severity of the worst firing alert, or None.

    The ladder starts again: roles that were notified about the lower severity are paged for the
    higher one.
    """
    if incident.episode.triaged_at is None:
        return None
    books = context.runbooks_of(incident)
    fallback = books[0].severity if books else ""
    set_at = incident.episode.severity_set_at
    firing = [
        each.alert
        for each in incident.alerts
        if each.firing and (set_at is None or each.changed_at > set_at)
    ]
    worst = min((severity_of(alert, fallback) for alert in firing), default=incident.severity)
    if worst >= incident.severity:
        return None
    alert = next(each for each in firing if severity_of(each, fallback) is worst)
    after = incident.updated(
        title=title_of(alert),
        severity=worst,
        native_severity=native_label(incident.system, worst),
        called=(),
        held_back=(),
        passed_over=(),
    )
    entry = NewEntry(
        f"{incident.episode.number}.raised.{worst}",
        f"Raised from {incident.severity} to {worst} ({after.native_severity}): {alert.name}"
        " fires.",
        facts={"severity": worst, "alert": alert.name},
    )
    messages = broadcast(after, Kind.ALERT, alert_text(after, alert), f"alert.{worst}")
    return Transition(after, (entry,), messages)


def severity_of(alert: IncidentAlert, runbook_severity: str) -> IncidentSeverity:
    """Map the labels of an alert and its runbook to a severity.

    A P-label of the alert is the most precise; then the runbook's; then the alert's level.
    """
    for label in (alert.labels.get("severity", ""), runbook_severity):
        if found := re.match(r"P[0-3]\b", label):
            return IncidentSeverity(found[0])
    for label in (runbook_severity, alert.labels.get("severity", "")):
        if label.lower() in CANONICAL:
            return CANONICAL[label.lower()]
    return IncidentSeverity.P2


def native_label(system: str, severity: IncidentSeverity) -> str:
    """Return the severity in the notation of the source system."""
    return NATIVE.get(system, NATIVE["ENT"])[int(severity[1])]


def title_of(alert: IncidentAlert) -> str:
    """Return a title for people: the ``title`` annotation, or the name in words."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", alert.name)
    return alert.annotations.get("title", words)


def component_of(alert: IncidentAlert) -> str:
    """Return the affected component, from the most specific label."""
    for label in ("component", "model", "service", "project", "job", "instance"):
        if alert.labels.get(label):
            return alert.labels[label]
    return alert.name


def group_key(alert: IncidentAlert) -> str:
    """Return the key by which alerts are grouped into incidents.

    It is system and component, or the fingerprint if the alert has no component. The same alert of
    several processes of the fleet is one group: one cause, such as a full queue, shows in each.

    Alerts of a drill's traffic never share an incident with those of users.
    """
    if alert.labels.get("component"):
        key = f"{alert.labels.get('system', '')}/{alert.labels['component']}"
        return f"drill:{key}" if is_marked(alert.labels) else key
    if not alert.source and PROCESS in alert.labels:
        return fingerprint({k: v for k, v in alert.labels.items() if k != PROCESS})
    return alert.fingerprint
