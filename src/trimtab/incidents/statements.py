"""Sentences about an incident, derived from its records; "unknown" without a record."""

from trimtab.incidents.context import IncidentContext
from trimtab.incidents.model import Incident
from trimtab.incidents.state import State

_PERSONS_ACT = "catalog.acted"
"""Name in the audit chain of an action that a person ran."""


def cause_text(incident: Incident) -> str:
    """Return what is known of the root cause."""
    if incident.episode.cause_verified:
        return incident.episode.root_cause
    if incident.episode.cause_stated:
        return f"{incident.episode.cause_stated} (stated by a person, not verified)"
    if not incident.episode.root_cause:
        return "unknown"
    found = incident.episode.diagnosis
    likely = next(
        (
            each
            for each in (found.candidates if found else ())
            if each.title == incident.episode.root_cause
        ),
        None,
    )
    sure = f", confidence {likely.confidence:.2f}" if likely else ""
    return f"not confirmed (suspected: {incident.episode.root_cause}{sure})"


def resolution_of_fix(incident: Incident) -> str:
    """Return a summary of the acts that changed something."""
    changed = [act.summary for act in incident.episode.done if act.changed and not act.undone]
    return " ".join(changed) or "Ended by itself: no act of the plan changed anything."


def resolution_without_fix(context: IncidentContext, incident: Incident) -> str:
    """Return how an incident ended without a verified fix of the operator."""
    acts = persons_acts(context, incident)
    if acts:
        listed = ", ".join(acts)
        return f"Actions run by people since it opened: {listed}. Whether they ended it is unknown."
    if incident.state is State.ESCALATED:
        return "No act of a person is recorded, so what ended the alerts is unknown."
    return "Ended by itself: no act is recorded."


def resolution_by_person(context: IncidentContext, incident: Incident) -> str:
    """Return the resolution of an incident that a person closes."""
    ran = [act.summary for act in incident.episode.done if act.changed and not act.undone]
    acts = persons_acts(context, incident)
    parts = [*ran, *([f"Actions run by people: {', '.join(acts)}."] if acts else [])]
    return " ".join([*parts, "Closed by a person; not verified."])


def persons_acts(context: IncidentContext, incident: Incident) -> list[str]:
    """Return the actions that people have run since the incident opened, the oldest first."""
    opened = incident.episode.opened_at.isoformat()
    return [
        f"{event.subject} at {event.at[11:16]}"
        for event in context.audit.of_action(_PERSONS_ACT, since=opened)
    ]


def closing_text(incident: Incident) -> str:
    """Return how the incident ended, in a few words; empty while it is active."""
    if incident.episode.restored_at is None:
        return ""
    if incident.episode.closed_by:
        return "closed by a person, not verified"
    return (
        "repair verified"
        if incident.episode.cause_verified
        else "alerts ended, cause not confirmed"
    )
