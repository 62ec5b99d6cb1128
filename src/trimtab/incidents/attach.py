"""Attaches alerts to an incident, marks them quiet, and reopens the incident."""

from dataclasses import replace
from datetime import datetime

from trimtab.incidents.model import AttachedAlert, Episode, Incident, IncidentAlert
from trimtab.incidents.state import State
from trimtab.incidents.transition import NewEntry
from trimtab.incidents.triage import severity_of

ATTACHED_LIMIT = 100
"""Alerts in the record of an incident; of those beyond it the received alerts name the incident."""


def reopened(incident: Incident, alert: IncidentAlert, now: datetime) -> Incident:
    """Return the incident in a new episode; only its attempts are kept."""
    return replace(
        attached(incident, alert, now),
        state=State.DETECTED,
        state_since=now,
        episode=Episode(incident.episode.number + 1, now),
    )


def attached(incident: Incident, alert: IncidentAlert, now: datetime) -> Incident:
    """Return the incident with the alert firing."""
    others = [each for each in incident.alerts if each.alert.fingerprint != alert.fingerprint]
    fresh = AttachedAlert(alert, firing=True, changed_at=now)
    if incident.alert.fingerprint == alert.fingerprint:
        return incident.updated(alerts=(fresh, *others))
    if len(others) >= ATTACHED_LIMIT:
        return incident.updated(alerts=_with_room_for(fresh, others))
    return incident.updated(alerts=(*others, fresh))


def _with_room_for(fresh: AttachedAlert, others: list[AttachedAlert]) -> tuple[AttachedAlert, ...]:
    """Return the alerts without the least severe one, quiet ones first; never without the first."""
    candidates = [*others[1:], fresh]
    least = max(candidates, key=lambda each: (not each.firing, severity_rank(each.alert)))
    candidates.remove(least)
    return (others[0], *candidates)


def severity_rank(alert: IncidentAlert) -> int:
    """Return 0 for P0 to 3 for P3, from the alert's own label."""
    return int(severity_of(alert, "")[1])


def quieted(incident: Incident, fingerprint: str, at: datetime) -> Incident:
    """Return the incident with the alert quiet since that instant."""
    alerts = tuple(
        replace(each, firing=False, changed_at=at)
        if each.alert.fingerprint == fingerprint
        else each
        for each in incident.alerts
    )
    return incident.updated(alerts=alerts)


def fired(alert: IncidentAlert, what: str) -> NewEntry:
    """Return the journal entry of an alert that fired."""
    return NewEntry(
        f"{what}.{alert.fingerprint}.{alert.fired_at.isoformat()}",
        f"Alert {alert.name} fired ({alert.value:g}); incident {what}.",
        facts={"alert": alert.name, "fingerprint": alert.fingerprint, "value": alert.value},
    )
