"""Content of the status page: open and recent incidents in plain words."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from trimtab.incidents.intake import Silences
from trimtab.incidents.intake.model import SilenceState
from trimtab.incidents.model import Incident, IncidentSeverity
from trimtab.incidents.service import Incidents
from trimtab.incidents.state import State
from trimtab.incidents.statements import cause_text, closing_text
from trimtab.infra.environment import Environment
from trimtab.kernel.health import Status, overall

_SHOWN = timedelta(days=7)
"""Time that a resolved incident stays on the page."""
_MAX_INCIDENTS = 100
_STAGES = {
    State.DETECTED: "investigating",
    State.TRIAGED: "investigating",
    State.DIAGNOSED: "cause suspected",
    State.AWAITING_APPROVAL: "repair waits for approval",
    State.EXECUTING: "repair runs",
    State.VERIFYING: "being verified",
    State.UNDOING: "repair is taken back",
    State.ESCALATED: "handed over to people",
    State.NOT_VERIFIED: "not verified",
    State.RESTORED: "over",
    State.RESOLVED: "resolved",
}


@dataclass(frozen=True, slots=True)
class Disturbance:
    """An incident as the status page shows it."""

    id: str
    title: str
    affected: str
    severity: IncidentSeverity
    since: str
    """ISO 8601, UTC."""
    state: Literal["investigating", "resolved"]
    stage: str
    """What is being done, in words."""
    root_cause: str
    ending: str
    """How it ended; empty while it is open."""
    people_told: bool
    resolved_at: str | None
    summary: str
    """Empty until it is resolved."""

    @classmethod
    def of(cls, incident: Incident, *, people_told: bool) -> "Disturbance":
        """Return an incident as the status page shows it."""
        resolved = incident.episode.resolved_at
        return cls(
            id=incident.id,
            title=incident.title,
            affected=incident.component,
            severity=incident.severity,
            since=incident.episode.opened_at.isoformat(),
            state="investigating" if resolved is None else "resolved",
            stage=_STAGES[incident.state],
            root_cause=cause_text(incident),
            ending=closing_text(incident),
            people_told=people_told,
            resolved_at=None if resolved is None else resolved.isoformat(),
            summary=incident.episode.resolution if resolved is not None else "",
        )


@dataclass(frozen=True, slots=True)
class AnnouncedWork:
    """Maintenance that was announced."""

    state: SilenceState
    starts_at: str
    """ISO 8601, UTC."""
    ends_at: str
    comment: str


@dataclass(frozen=True, slots=True)
class StatusBody:
    """The status page."""

    status: Status
    incidents: tuple[Disturbance, ...]
    maintenance: tuple[AnnouncedWork, ...]
    """Announced work that is not over, the earliest first."""


def status_of(env: Environment, incidents: Incidents, silences: Silences) -> StatusBody:
    """Return the service status, announced work, open incidents and those of the last week.

    Incidents of drills are left out.
    """
    since = env.clock.now() - _SHOWN
    open_now = incidents.list(active=True, limit=_MAX_INCIDENTS)
    over = [
        incident
        for incident in incidents.list(active=False, limit=_MAX_INCIDENTS)
        if incident.episode.resolved_at is not None and incident.episode.resolved_at > since
    ]
    shown = (
        Disturbance.of(incident, people_told=incidents.people_told(incident.id))
        for incident in (*open_now, *over)
    )
    return StatusBody(overall(env.health.check()), tuple(shown), _maintenance(env, silences))


def _maintenance(env: Environment, silences: Silences) -> tuple[AnnouncedWork, ...]:
    now = env.clock.now()
    announced = sorted(
        (each for each in silences.all() if each.maintenance), key=lambda each: each.starts_at
    )
    return tuple(
        AnnouncedWork(
            each.state(now), each.starts_at.isoformat(), each.ends_at.isoformat(), each.comment
        )
        for each in announced
        if each.state(now) is not SilenceState.EXPIRED
    )
