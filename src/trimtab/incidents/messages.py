"""What people are told, word for word as the incident response procedures have it."""

from datetime import datetime

from trimtab.incidents.model import Incident, IncidentAlert, Plan
from trimtab.incidents.statements import cause_text
from trimtab.infra.notify import Kind, Message, channels_for


def alert_text(incident: Incident, alert: IncidentAlert | None = None) -> str:
    """Return the alert message: severity, title and component, what was measured, what stands out.

    Args:
        incident: The incident.
        alert: The one of its alerts that measured it; the opening one when None.
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
    """Return the question whether a plan may run."""
    acts = "\n".join(f"- {act.name} ({act.effect}): {act.dry_run}" for act in plan.acts)
    return (
        f"❓ [{incident.severity}] {incident.id} {incident.title} — {incident.component}\n"
        f"Plan {plan.hash} asks for approval: {'; '.join(plan.approval_because)}\n{acts}"
    )


def escalation_text(incident: Incident, who: str, why: str) -> str:
    """Return the call for a person."""
    return (
        f"📣 [{incident.severity}] {incident.id} {incident.title} — {incident.component}\n"
        f"{who}: {why}"
    )


def broadcast(incident: Incident, kind: Kind, text: str, key: str) -> tuple[Message, ...]:
    """Return the text as one message to each channel that hears of it."""
    topic = incident.alert.labels.get("topic", "")
    channels = channels_for(kind, incident.severity, incident.system, topic)
    return tuple(message(incident, channel, kind, text, key) for channel in channels)


def direct(incident: Incident, who: str, text: str, key: str) -> Message:
    """Return the text as a direct message to a role."""
    return message(incident, f"@{who.removeprefix('@')}", Kind.ESCALATION, text, key)


def message(incident: Incident, channel: str, kind: Kind, text: str, key: str) -> Message:
    """Return one message about the incident; a drill's says so."""
    shown = f"[DRILL] {text}" if incident.drill else text
    return Message(
        channel, kind, shown, f"{incident.id}:{incident.episode.number}:{key}", incident.id
    )


def duration_text(seconds: float) -> str:
    """Return a duration for people: whole minutes from two minutes up, seconds below."""
    if seconds < 120:
        return f"{round(seconds)} seconds"
    return f"{round(seconds / 60)} minutes"
