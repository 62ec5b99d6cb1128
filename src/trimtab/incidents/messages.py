"""Texts of the messages to people, in the wording of the incident response procedures."""

from datetime import datetime

from trimtab.incidents.model import Incident, IncidentAlert, Plan
from trimtab.incidents.statements import cause_text
from trimtab.infra.notify import Kind, Message, channels_for


def alert_text(incident: Incident, alert: IncidentAlert | None = None) -> str:
    """Return the alert message: severity, title, component and measured values.

    Args:
        incident: The incident.
        alert: The alert that measured it; the first alert of the incident when None.
    """
    notes = (alert or incident.alert).annotations
    lines = [
        f"🚨 [{incident.severity}] {incident.title} — {incident.component}",
        notes.get("summary", ""),
        notes.get("description", ""),
        "Investigating automatically...",
    ]
    return "\n".join(line.strip() for line in lines if line.strip())


def resolution_text(incident: Incident, at: datetime) -> str:
    """Return the resolution message: root cause, resolution and the time it took."""
    title = incident.alert.annotations.get("resolved_title", incident.title)
    return "\n".join(
        (
            f"✅ [Resolved] {title} — {incident.component}",
            f"Root cause: {cause_text(incident)}",
            f"Resolution: {incident.episode.resolution}",
            f"Time to resolve: {duration_text((at - incident.episode.opened_at).total_seconds())}",
        )
    )


def approval_text(incident: Incident, plan: Plan) -> str:
    """Return the request for the approval of a plan."""
    acts = "\n".join(f"- {act.name} ({act.effect}): {act.dry_run}" for act in plan.acts)
    return (
        f"❓ [{incident.severity}] {incident.id} {incident.title} — {incident.component}\n"
        f"Plan {plan.hash} asks for approval: {'; '.join(plan.approval_because)}\n{acts}"
    )


def escalation_text(incident: Incident, role: str, why: str) -> str:
    """Return the text of a call for a role."""
    return (
        f"📣 [{incident.severity}] {incident.id} {incident.title} — {incident.component}\n"
        f"{role}: {why}"
    )


def broadcast(incident: Incident, kind: Kind, text: str, key: str) -> tuple[Message, ...]:
    """Return one message for each channel that receives this kind."""
    topic = incident.alert.labels.get("topic", "")
    channels = channels_for(kind, incident.severity, incident.system, topic)
    return tuple(message(incident, channel, kind, text, key) for channel in channels)


def direct(incident: Incident, role: str, text: str, key: str) -> Message:
    """Return the text as a direct message to a role."""
    return message(incident, f"@{role.removeprefix('@')}", Kind.ESCALATION, text, key)


def message(incident: Incident, channel: str, kind: Kind, text: str, key: str) -> Message:
    """Return one message about the incident; drills are marked `[DRILL]`."""
    shown = f"[DRILL] {text}" if incident.drill else text
    return Message(
        channel, kind, shown, f"{incident.id}:{incident.episode.number}:{key}", incident.id
    )


def duration_text(seconds: float) -> str:
    """Return a duration for people: whole minutes from two minutes up, seconds below."""
    if seconds < 120:
        return f"{round(seconds)} seconds"
    return f"{round(seconds / 60)} minutes"
