"""What an alert changes in its incident: it joins, goes quiet, or opens it again."""

from dataclasses import replace
from datetime import datetime

from trimtab.incidents.model import Alert, AttachedAlert, Incident
from trimtab.incidents.state import State
from trimtab.incidents.turn import Draft


def reopened(incident: Incident, alert: Alert, now: datetime) -> Incident:
    """Return the incident opened once more, with nothing of the opening before but its attempts."""
    return replace(
        attached(incident, alert, now),
        opening=incident.opening + 1,
        state=State.DETECTED,
        state_since=now,
        opened_at=now,
        triaged_at=None,
        diagnosed_at=None,
        remediation_at=None,
        restored_at=None,
        resolved_at=None,
        diagnosis=None,
        plan=None,
        approved_by="",
        done=(),
        watch=None,
        called=(),
        conditions=(),
        root_cause="",
        cause_verified=False,
        escalated_at=None,
        closed_by="",
        resolution="",
        impact="",
        postmortem="",
    )


def attached(incident: Incident, alert: Alert, now: datetime) -> Incident:
    """Return the incident with the alert firing."""
    others = [one for one in incident.alerts if one.alert.fingerprint != alert.fingerprint]
    fresh = AttachedAlert(alert, firing=True, changed_at=now)
    if incident.alert.fingerprint == alert.fingerprint:
        return replace(incident, alerts=(fresh, *others))
    return replace(incident, alerts=(*others, fresh))


def quieted(incident: Incident, fingerprint: str, at: datetime) -> Incident:
    """Return the incident with the alert quiet since that instant."""
    alerts = tuple(
        replace(one, firing=False, changed_at=at) if one.alert.fingerprint == fingerprint else one
        for one in incident.alerts
    )
    return replace(incident, alerts=alerts)


def fired(alert: Alert, what: str) -> Draft:
    """Return the journal entry of an alert that fired."""
    return Draft(
        f"{what}.{alert.fingerprint}.{alert.fired_at.isoformat()}",
        f"Alert {alert.name} fired ({alert.value:g}); incident {what}.",
        facts={"alert": alert.name, "fingerprint": alert.fingerprint, "value": alert.value},
    )
