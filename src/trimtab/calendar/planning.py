"""Derives the tasks that follow an incident, and the quarterly reviews."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from trimtab.calendar.records import NewTask, TaskKind
from trimtab.incidents.model import AttemptOutcome, Entry, Incident, IncidentSeverity
from trimtab.incidents.postmortem import action_items
from trimtab.incidents.state import State
from trimtab.infra.settings.sections.calendar import CalendarSettings
from trimtab.kernel.ids import content_id

ON_CALL = "on-call engineer"
_MEETS = {IncidentSeverity.P0, IncidentSeverity.P1}
"""Severities whose post-mortem is a meeting of all stakeholders."""
_RUNBOOKS = "Review every runbook: is it still right, has it been drilled, who owns it?"
_RULES = "Review the rules of the guards by their blocks and false positives."


def incident_tasks(
    incident: Incident, entries: Sequence[Entry], settings: CalendarSettings
) -> list[NewTask]:
    """Return the tasks of an incident's current episode; none for drills and for P3.

    Args:
        incident: Open or resolved; an open one has the tasks with a deadline from its opening.
        entries: Its journal.
        settings: The deadlines.
    """
    if incident.drill or incident.severity is IncidentSeverity.P3:
        return []
    tasks = [*_documents(incident, settings)]
    if incident.state is State.RESOLVED and incident.episode.resolved_at is not None:
        tasks += _lessons(incident, entries, settings, incident.episode.resolved_at)
    return tasks


def report_written(incident: Incident) -> bool:
    """Return whether the incident's report is complete: it is rendered at the resolution."""
    return incident.state is State.RESOLVED and bool(incident.episode.postmortem)


def report_task(incident: Incident) -> str:
    """Return the id of the task to write the incident's report."""
    return _id(incident, TaskKind.INCIDENT_REPORT)


def quarterly_tasks(now: datetime, settings: CalendarSettings) -> list[NewTask]:
    """Return the reviews of the current quarter, due at its end."""
    number = (now.month - 1) // 3 + 1
    first_after = 3 * number + 1
    year, month = (now.year + 1, 1) if first_after > 12 else (now.year, first_after)
    due = datetime(year, month, 1, tzinfo=UTC) - timedelta(seconds=1)
    quarter = f"{now.year}-Q{number}"
    owner = settings.review_owner
    return [
        NewTask(content_id("task", kind, quarter), kind, text, owner, due, quarter, link)
        for kind, text, link in (
            (TaskKind.RUNBOOK_REVIEW, _RUNBOOKS, "/console/runbooks"),
            (TaskKind.GUARD_RULE_REVIEW, _RULES, "/v1/review/guard-rules"),
        )
    ]


def _documents(incident: Incident, settings: CalendarSettings) -> Iterator[NewTask]:
    opened = incident.episode.opened_at
    report, analysis = settings.report_hours, settings.analysis_hours
    yield _task(
        incident, TaskKind.INCIDENT_REPORT, "Complete the incident report", opened, hours=report
    )
    yield _task(
        incident,
        TaskKind.ROOT_CAUSE_ANALYSIS,
        "Write the detailed root-cause analysis",
        opened,
        hours=analysis,
    )


def _lessons(
    incident: Incident, entries: Sequence[Entry], settings: CalendarSettings, end: datetime
) -> Iterator[NewTask]:
    if incident.severity in _MEETS:
        yield _task(
            incident,
            TaskKind.POSTMORTEM_MEETING,
            "Hold the post-mortem meeting with all stakeholders",
            end,
            hours=settings.meeting_hours,
        )
    for text, owner in action_items(incident, entries):
        if text == _update(incident):
            continue  # It has a task of its own kind.
        item = _task(incident, TaskKind.ACTION_ITEM, text, end, hours=settings.meeting_hours)
        yield NewTask(
            content_id("task", item.id, text),
            item.kind,
            item.title,
            owner,
            item.due_at,
            item.subject,
            item.link,
        )
    yield _task(
        incident, TaskKind.RUNBOOK_UPDATE, _update(incident), end, hours=24 * settings.update_days
    )
    yield from _changes(incident, settings, end)


def _changes(incident: Incident, settings: CalendarSettings, end: datetime) -> Iterator[NewTask]:
    """Yield what follows a rollback or another fix: neither is the end of its cause."""
    back = [each.name for each in incident.episode.done if each.changed and _rolls_back(each.name)]
    worked = any(
        each.outcome is AttemptOutcome.WORKED and each.episode == incident.episode.number
        for each in incident.attempts
    )
    if back:
        yield _task(
            incident,
            TaskKind.STAGING_INVESTIGATION,
            f"Investigate in staging what {', '.join(back)} rolled back",
            end,
            hours=24 * settings.update_days,
        )
    if back or worked:
        yield _task(
            incident,
            TaskKind.PULL_REQUEST,
            "Remove the cause by a pull request, so that the repair is not needed again",
            end,
            hours=24 * settings.fix_days,
        )


def _rolls_back(action: str) -> bool:
    return "rollback" in action or action.endswith(".restore")


def _update(incident: Incident) -> str:
    if not incident.runbooks:
        return f"Write a runbook for {incident.alert.name}"
    return f"Update the runbook {', '.join(incident.runbooks)} with what was learnt"


def _task(
    incident: Incident, kind: TaskKind, title: str, start: datetime, *, hours: float
) -> NewTask:
    episode = incident.episode
    return NewTask(
        _id(incident, kind),
        kind,
        title[:500],
        episode.assigned_to or episode.taken_over_by or episode.approved_by or ON_CALL,
        start + timedelta(hours=hours),
        incident.id,
        f"/console/incidents/{incident.id}",
    )


def _id(incident: Incident, kind: TaskKind) -> str:
    return content_id("task", kind, incident.id, str(incident.episode.number))
