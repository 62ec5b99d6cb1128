"""Settings of incidents: automation, approvals and recovery."""

from dataclasses import dataclass

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class IncidentSettings:
    """Automation limits, approvals, diagnosis and recovery of incidents."""

    automatic: bool = setting(
        default=True, help="Let proven fixes run by themselves; when off, every act is asked for."
    )
    automatic_acts_per_hour: int = setting(
        10,
        unit="acts an hour",
        help="How many acts run without a person's approval; the next ones are asked for.",
        minimum=0,
    )
    preapproved: tuple[str, ...] = setting(
        (),
        help="Actions of risk `approval` that run without asking; never rollback or retraining.",
    )
    approval_timeout_minutes: float = setting(
        60.0,
        unit="minutes",
        help="How long a plan waits for an answer; none means no.",
        minimum=0.01,
    )
    reopen_window_minutes: float = setting(
        30.0,
        unit="minutes",
        help="An alert that comes back within this time reopens its incident.",
        minimum=0,
    )
    barred_after: int = setting(
        3,
        unit="times",
        help="A fix that worked this often for the same alert is barred.",
        minimum=1,
    )
    barred_window_hours: float = setting(
        24.0, unit="hours", help="The time over which worked fixes are counted.", minimum=0.01
    )
    min_confidence: float = setting(
        0.3, help="Below this confidence the diagnosis abstains.", minimum=0, maximum=1
    )
    diagnosis_seconds: float = setting(
        120.0,
        unit="seconds",
        help="How long evidence is collected before a person is called.",
        minimum=0,
    )
    poll_seconds: float = setting(
        5.0, unit="seconds", help="The time between two looks at evidence or health.", minimum=0.01
    )
    recovery_hold_seconds: float = setting(
        60.0,
        unit="seconds",
        help="How long alerts must stay quiet when the service recovered without a fix.",
        minimum=0,
    )
    ladders_file: str = setting(
        "", help="Your own escalation ladders (YAML); empty means the shipped ones."
    )
    recent_changes_hours: float = setting(
        24.0, unit="hours", help="How far back changes are searched.", minimum=0
    )
    alerts_file: str = setting(
        "",
        help="Your own grouping, inhibition, maintenance windows, webhooks and dependencies of"
        " alerts (YAML); empty means the shipped ones.",
    )
    alerts_limit: int = setting(
        200_000,
        unit="alerts",
        help="How many received alerts are stored; beyond it new ones are refused.",
        minimum=1,
    )
    alerts_keep_days: float = setting(
        30.0, unit="days", help="How long received alerts are kept after their end.", minimum=0
    )
    storm_incidents: int = setting(
        20,
        unit="incidents a minute",
        help="How many incidents received alerts open; further groups share one incident.",
        minimum=1,
    )
    flapping_changes: int = setting(
        6,
        unit="changes",
        help="An alert that fires and ends this often within the flapping window is flapping.",
        minimum=2,
    )
    flapping_window_minutes: float = setting(
        30.0,
        unit="minutes",
        help="The window of the flapping changes; a flapping alert counts as firing until it has"
        " been quiet for a third of it.",
        minimum=0.01,
    )
    acknowledge_minutes: float = setting(
        30.0,
        unit="minutes",
        help="How long an acknowledgement stops paging.",
        minimum=0.01,
        maximum=1440,
    )
    oncall_file: str = setting(
        "", help="Your on-call schedules (YAML); empty means that no schedule is known."
    )
