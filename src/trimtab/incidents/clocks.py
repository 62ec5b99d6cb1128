"""The four clocks of an incident; they are kept apart and never merged into one number.

Three measure the operator and its people against the response times of the severity (source: the incident response
procedures' table); the fourth is the escalation ladder's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from trimtab.incidents.ladders import Ladder
from trimtab.incidents.model import Incident, Severity

_MINUTE = 60.0
_HOUR = 3600.0

LIMITS: dict[Severity, tuple[float, float, float]] = {
    Severity.P0: (5 * _MINUTE, 10 * _MINUTE, 2 * _HOUR),
    Severity.P1: (5 * _MINUTE, 10 * _MINUTE, 2 * _HOUR),
    Severity.P2: (15 * _MINUTE, 30 * _MINUTE, 8 * _HOUR),
    Severity.P3: (1 * _HOUR, 4 * _HOUR, 24 * _HOUR),
}
"""Seconds for detection to triage, triage to investigation, investigation to resolution. P0 has P1's: the source
knows no P0."""


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock, read at one instant."""

    name: str
    """``triage``, ``investigation``, ``resolution`` or ``escalation``."""
    started_at: datetime | None
    """None when it has not started."""
    stopped_at: datetime | None
    limit_seconds: float | None
    """None when nothing is due."""
    elapsed_seconds: float
    breached: bool


def read_clocks(incident: Incident, ladder: Ladder, now: datetime) -> tuple[Clock, ...]:
    """Return the four clocks as they stand."""
    triage, investigation, resolution = LIMITS[incident.severity]
    return (
        _clock("triage", incident.opened_at, incident.triaged_at, triage, now),
        _clock("investigation", incident.triaged_at, incident.diagnosed_at, investigation, now),
        _clock("resolution", incident.diagnosed_at, incident.restored_at, resolution, now),
        _escalation(incident, ladder, now),
    )


def _clock(
    name: str, start: datetime | None, stop: datetime | None, limit: float, now: datetime
) -> Clock:
    if start is None:
        return Clock(name, None, None, limit, 0.0, breached=False)
    elapsed = ((stop or now) - start).total_seconds()
    return Clock(name, start, stop, limit, elapsed, breached=elapsed > limit)


def _escalation(incident: Incident, ladder: Ladder, now: datetime) -> Clock:
    stop = incident.restored_at
    elapsed = (stop or now) - incident.opened_at
    following = ladder.next_after(incident, elapsed) if stop is None else None
    limit = None if following is None else (elapsed + following).total_seconds()
    overdue = stop is None and bool(ladder.due(incident, elapsed - timedelta(seconds=60)))
    return Clock(
        "escalation", incident.opened_at, stop, limit, elapsed.total_seconds(), breached=overdue
    )
