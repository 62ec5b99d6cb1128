"""Settings of the calendar of tasks."""

from dataclasses import dataclass

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class CalendarSettings:
    """Deadlines, reminders and escalation of dated tasks."""

    report_hours: float = setting(
        24.0,
        unit="hours",
        help="The incident report is due so long after the incident opened.",
        minimum=0.1,
    )
    analysis_hours: float = setting(
        48.0,
        unit="hours",
        help="The root-cause analysis is due so long after the incident opened.",
        minimum=0.1,
    )
    meeting_hours: float = setting(
        48.0,
        unit="hours",
        help="The post-mortem meeting and its action items are due so long after the end.",
        minimum=0.1,
    )
    update_days: float = setting(
        7.0,
        unit="days",
        help="Updates of runbooks and investigations in staging are due so long after the end.",
        minimum=0.1,
    )
    fix_days: float = setting(
        14.0,
        unit="days",
        help="The pull request that removes a cause is due so long after the end.",
        minimum=0.1,
    )
    reminder_hours: float = setting(
        24.0,
        unit="hours",
        help="The owner is reminded so long before a task is due, at most a quarter of its time.",
        minimum=0,
    )
    escalate_to: tuple[str, ...] = setting(
        ("Engineering Manager", "VP Engineering"),
        help="Who is notified that a task is overdue: the first at once, each other a day later.",
    )
    review_owner: str = setting(
        "SRE Team", help="The owner of the quarterly reviews of runbooks and guard rules."
    )
