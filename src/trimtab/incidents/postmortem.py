"""Renders the post-mortem and the incident report from the incident's records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trimtab.incidents.clocks import ResponseClock, read_clocks
from trimtab.incidents.context import IncidentContext
from trimtab.incidents.messages import broadcast, resolution_text
from trimtab.incidents.model import PROPOSED, Attempt, AttemptOutcome, Entry, Episode, Incident
from trimtab.incidents.notifications import notifications
from trimtab.incidents.state import State
from trimtab.incidents.statements import cause_text
from trimtab.incidents.transition import NewEntry, Transition, moved
from trimtab.infra.notify import Kind

_REVIEW_DUE = timedelta(hours=48)
_NOTHING = "nothing is recorded"
_DECISIONS = {AttemptOutcome.REJECTED, AttemptOutcome.NOT_ANSWERED}
"""How a person ended an attempt; that says nothing about the page."""
_NOT_COMPLETED = (None, "Post-mortem not completed: the incident is open")
_NOT_YET = "--:--"
"""Stands for the time of a stage that has not happened."""


def close(context: IncidentContext, incident: Incident) -> Transition:
    """Write the post-mortem, send the resolution message, and resolve the incident."""
    now = context.now()
    entries = context.store.timeline(incident.id)
    clocks = read_clocks(incident, context.ladder_of(incident), now)
    incident = incident.updated(impact=_measured(context, incident))
    text = render(incident, entries, clocks, now)
    after = moved(incident, State.RESOLVED, now, resolved_at=now, postmortem=text)
    context.audit.append(
        "operator", "incidents.resolved", incident.id, {"opening": incident.episode.number}
    )
    resolved = resolution_text(incident, incident.episode.restored_at or now)
    messages = (
        *broadcast(incident, Kind.RESOLUTION, resolved, "resolution"),
        *broadcast(incident, Kind.POSTMORTEM, text, "postmortem"),
    )
    entry = NewEntry(f"{incident.episode.number}.closed", "Resolved; the post-mortem is written.")
    return Transition(after, (entry,), messages)


def _measured(context: IncidentContext, incident: Incident) -> str:
    if context.impact is None:
        return ""
    lasted = (incident.episode.restored_at or context.now()) - incident.episode.opened_at
    try:
        return context.impact(lasted.total_seconds())
    except Exception:  # noqa: BLE001 - an impact that cannot be measured keeps no incident open.
        return ""


def _impact(incident: Incident) -> str:
    return incident.alert.annotations.get("impact") or incident.episode.impact or "not measured"


def render(
    incident: Incident, entries: Sequence[Entry], clocks: Sequence[ResponseClock], now: datetime
) -> str:
    """Return the post-mortem in the incident response procedures' format."""
    review = (now + _REVIEW_DUE).date().isoformat()
    lessons = _lessons(incident, entries, clocks)
    items = [f"{item} (owner: {owner}, by {review})" for item, owner in lessons.items]
    lines = [
        f"# Post-Mortem: {incident.id}",
        "",
        "## What Happened",
        _what_happened(incident, entries),
        "",
        "## Root Cause",
        _root_cause(incident),
        "",
        "## Timeline",
        *(f"- {_clock_time(at)} — {what}" for at, what in _stages(incident, now)),
        "",
        "## Impact",
        f"- Duration: {_minutes(incident, now)}",
        f"- Affected systems: {', '.join(_affected(incident))}",
        f"- User impact: {_impact(incident)}",
        "",
        "## Lessons Learned",
        f"1. What went well: {lessons.well}",
        f"2. What could be improved: {lessons.improve}",
        f"3. Action items with owners and deadlines: {'; '.join(items)}",
        "",
        "## Preventive Measures",
        f"- Changes to monitoring/alerting: {lessons.monitoring}",
        f"- Changes to runbooks: {lessons.runbooks}",
        f"- Infrastructure improvements: {lessons.infrastructure}",
        "",
    ]
    return "\n".join(lines)


def render_report(
    incident: Incident, entries: Sequence[Entry], clocks: Sequence[ResponseClock]
) -> str:
    """Return the incident report: fields, timeline, cause, resolution and check boxes."""
    end = incident.episode.resolved_at or incident.episode.restored_at or incident.episode.opened_at
    lessons = _lessons(incident, entries, clocks)
    lines = [
        f"# Incident Report: {incident.title}",
        "",
        f"**Date**: {incident.episode.opened_at.date().isoformat()}",
        f"**Severity**: {incident.severity}",
        f"**Duration**: {_minutes(incident, end)}",
        f"**Impact**: {_impact(incident)}",
        "",
        "## Timeline",
        f"- {incident.episode.opened_at:%H:%M} - Alert fired: {incident.title}",
        *(f"- {entry.at:%H:%M} - {entry.text}" for entry in entries if entry.seq > 1),
        "",
        "## Root Cause",
        _root_cause(incident),
        "",
        "## Resolution",
        incident.episode.resolution or "not resolved yet",
        "",
        "## Action Items",
        *(f"- [ ] {item} ({owner})" for item, owner in lessons.items),
        "",
    ]
    return "\n".join(lines)


def action_items(incident: Incident, entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """Return the follow-up actions of the current episode, each with its owner."""
    owner = incident.episode.approved_by or "on-call engineer"
    items = [("Review this post-mortem and find the deeper cause", owner)]
    items += [
        (f"Correct the runbook: {attempt.cause_id} {_words(attempt.outcome)}", owner)
        for attempt in _failed(incident)
        if attempt.outcome not in _DECISIONS and attempt.cause_id != PROPOSED
    ]
    if not incident.runbooks:
        items.append((f"Write a runbook for {incident.alert.name}", owner))
    called = notifications(entries, incident.episode.number)
    if any(call.status == "no_channel" for call in called):
        items.append(("Configure an on-call channel: a call could not be sent", owner))
    return items


def _failed(incident: Incident) -> list[Attempt]:
    return [
        attempt
        for attempt in incident.attempts
        if attempt.episode == incident.episode.number
        and attempt.outcome is not AttemptOutcome.WORKED
    ]


@dataclass(frozen=True, slots=True)
class _Lessons:
    well: str
    improve: str
    items: tuple[tuple[str, str], ...]
    """A follow-up action with its owner."""
    monitoring: str
    runbooks: str
    infrastructure: str


def _lessons(
    incident: Incident, entries: Sequence[Entry], clocks: Sequence[ResponseClock]
) -> _Lessons:
    mine = [attempt for attempt in incident.attempts if attempt.episode == incident.episode.number]
    failed = _failed(incident)
    called = notifications(entries, incident.episode.number)
    improve = [f"the {clock.name} clock ran over" for clock in clocks if clock.breached]
    improve += ["it came back after it was resolved"] if incident.episode.number > 1 else []
    resumed = any(entry.facts.get("resumed_after_crash") for entry in entries)
    improve += ["the operator itself was interrupted"] if resumed else []
    unsent = sum(call.status == "no_channel" for call in called)
    improve += [f"{unsent} calls had no on-call channel"] if unsent else []
    improve += [call.text for call in called if call.status in {"failed", "waiting"}]
    return _Lessons(
        well=_went_well(incident, clocks),
        improve="; ".join(improve) or _NOTHING,
        items=tuple(action_items(incident, entries)),
        monitoring=_monitoring(incident, len(mine)),
        runbooks=_runbooks(incident, failed),
        infrastructure=(
            "the repair did not last: remove the cause itself"
            if incident.episode.number > 1
            else "to be decided in the review"
        ),
    )


def _went_well(incident: Incident, clocks: Sequence[ResponseClock]) -> str:
    kept = [
        f"{clock.name} in time"
        for clock in clocks
        if clock.stopped_at and not clock.breached and clock.name != "escalation"
    ]
    if incident.episode.cause_verified:
        kept.append("the repair was verified")
    return "; ".join(kept) or _NOTHING


def _monitoring(incident: Incident, tried: int) -> str:
    if tried > 1:
        return "tell the causes apart with more evidence"
    if incident.episode.restored_at is not None and not incident.episode.cause_verified:
        return "check whether the alert was justified: no verified repair ended it"
    return "to be decided in the review"


def _runbooks(incident: Incident, failed: Sequence[Attempt]) -> str:
    if failed:
        return "; ".join(f"{each.cause_id} {_words(each.outcome)}" for each in failed)
    if not incident.runbooks:
        return "write one for this alert"
    if incident.episode.cause_verified:
        return "none needed: the fix was run and its checks held afterwards"
    return "unknown: no fix of a runbook was run and verified"


def _words(outcome: AttemptOutcome) -> str:
    return outcome.replace("_", " ")


def _what_happened(incident: Incident, entries: Sequence[Entry]) -> str:
    notes = incident.alert.annotations
    summary = " ".join(notes[name] for name in ("summary", "description") if notes.get(name))
    summary = summary or f"{incident.alert.name} fired at {incident.alert.value:g}."
    happened = f"{incident.title} on {incident.component} ({incident.native_severity}). {summary}"
    calls = [call.text for call in notifications(entries, incident.episode.number)]
    people = f" Calls: {'; '.join(calls)}." if calls else ""
    return f"{happened}{people} Resolution: {incident.episode.resolution or 'not yet'}"


def _root_cause(incident: Incident) -> str:
    found, known = incident.episode.diagnosis, cause_text(incident)
    if found is None:
        return f"{known}."
    if not found.cause_id:
        why = f" ({found.abstained_because})" if found.abstained_because else ""
        return f"{known}{why}."
    chosen = next(each for each in found.candidates if each.cause_id == found.cause_id)
    evidence = "; ".join(f"`{finding.expression}`" for finding in chosen.findings)
    sure = f" (confidence {found.confidence:.2f})" if incident.episode.cause_verified else ""
    return f"{known}{sure}. Evidence: {evidence}."


def _stages(incident: Incident, now: datetime) -> list[tuple[datetime | None, str]]:
    episode = incident.episode
    last = (now, "Post-mortem completed") if episode.restored_at else _NOT_COMPLETED
    started = "Remediation started" if episode.remediation_at else "trimtab started no remediation"
    return [
        (episode.opened_at, "Alert triggered (detection)"),
        (episode.triaged_at, "Agent began investigation (triage)"),
        (episode.diagnosed_at, f"{_investigated(episode)} (investigation)"),
        (episode.remediation_at, f"{started} (action)"),
        (episode.restored_at, f"{_ended(episode)} (resolution)"),
        last,
    ]


def _investigated(episode: Episode) -> str:
    if episode.cause_verified:
        return "Root cause identified"
    if episode.diagnosed_at is None:
        return "Not investigated yet" if episode.restored_at is None else "Not investigated"
    return "Cause suspected, not confirmed" if episode.root_cause else "No cause identified"


def _ended(episode: Episode) -> str:
    if episode.restored_at is None:
        return "Not restored yet"
    if episode.closed_by:
        return "Closed by a person, not verified"
    return "Service restored" if episode.cause_verified else "Alerts ended"


def _clock_time(at: datetime | None) -> str:
    return _NOT_YET if at is None else f"{at:%H:%M}"


def _minutes(incident: Incident, now: datetime) -> str:
    seconds = ((incident.episode.restored_at or now) - incident.episode.opened_at).total_seconds()
    minutes = round(seconds / 60)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def _affected(incident: Incident) -> list[str]:
    labels = [attached.alert.labels.get("component", "") for attached in incident.alerts]
    return list(dict.fromkeys([incident.component, *filter(None, labels)]))
