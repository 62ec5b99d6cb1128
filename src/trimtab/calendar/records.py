"""Records of the calendar."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TaskKind(StrEnum):
    """Kind of a task."""

    INCIDENT_REPORT = "incident_report"
    ROOT_CAUSE_ANALYSIS = "root_cause_analysis"
    POSTMORTEM_MEETING = "postmortem_meeting"
    ACTION_ITEM = "action_item"
    RUNBOOK_UPDATE = "runbook_update"
    STAGING_INVESTIGATION = "staging_investigation"
    PULL_REQUEST = "pull_request"
    RUNBOOK_REVIEW = "runbook_review"
    GUARD_RULE_REVIEW = "guard_rule_review"
    OTHER = "other"
    """Written by a person."""


class TaskStatus(StrEnum):
    """Status of a task."""

    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"
    """A person has decided that it is not done, and why."""


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task that is not stored yet."""

    id: str
    """Made of its origin, so that planning it twice adds it once."""
    kind: TaskKind
    title: str
    owner: str
    due_at: datetime
    subject: str = ""
    """The incident, the quarter or another origin; empty for none."""
    link: str = ""
    """Where the work is, such as a page of the console or a pull request."""
    created_by: str = "trimtab"


@dataclass(frozen=True, slots=True)
class CalendarTask:
    """A dated task of a person."""

    id: str
    kind: TaskKind
    title: str
    owner: str
    due_at: datetime
    subject: str
    link: str
    created_by: str
    created_at: datetime
    status: TaskStatus
    note: str
    """What came of it, or why it was dropped."""
    closed_by: str
    closed_at: datetime | None
    reminded_at: datetime | None
    """When its owner was reminded; None before."""
    escalations: int
    """How often somebody else was told that it is overdue."""

    def overdue(self, now: datetime) -> bool:
        """Return whether it is open past its time."""
        return self.status is TaskStatus.OPEN and self.due_at <= now
