"""Response clocks of an incident: triage, investigation, resolution and escalation.

Three measure the operator and its people against the response times of the severity (source: the
incident response procedures' table); the fourth is the escalation ladder's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from trimtab.incidents.ladders import Ladder
from trimtab.incidents.model import Incident, IncidentSeverity

_MINUTE = 60.0
_HOUR = 3600.0

LIMITS: dict[IncidentSeverity, tuple[float, float, float]] = {
    IncidentSeverity.P0: (5 * _MINUTE, 10 * _MINUTE, 2 * _HOUR),
    IncidentSeverity.P1: (5 * _MINUTE, 10 * _MINUTE, 2 * _HOUR),
    IncidentSeverity.P2: (15 * _MINUTE, 30 * _MINUTE, 8 * _HOUR),
    IncidentSeverity.P3: (1 * _HOUR, 4 * _HOUR, 24 * _HOUR),
}
"""Seconds for detection to triage, triage to investigation, investigation to resolution. P0 has
P1's: the source knows no P0.
"""


@dataclass(frozen=True, slots=True)
class ResponseClock:
    """One response clock of an incident, read at one instant."""

    name: str
    """``triage``, ``investigation``, ``resolution`` or ``escalation``."""
    started_at: datetime | None
    """None when it has not started."""
    stopped_at: datetime | None
    limit_seconds: float | None
    """None when nothing is due."""
    elapsed_seconds: float
    breached: bool


def read_clocks(incident: Incident, ladder: Ladder, now: datetime) -> tuple[ResponseClock, ...]:
    """Return the four response clocks at that instant."""
    triage, investigation, resolution = LIMITS[incident.severity]
    episode = incident.episode
    return (
        _clock("triage", episode.opened_at, episode.triaged_at, triage, now),
        _clock("investigation", episode.triaged_at, episode.diagnosed_at, investigation, now),
        _clock("resolution", episode.diagnosed_at, episode.restored_at, resolution, now),
        _escalation(incident, ladder, now),
    )


def _clock(
    name: str, start: datetime | None, stop: datetime | None, limit: float, now: datetime
) -> ResponseClock:
    if start is None:
        return ResponseClock(name, None, None, limit, 0.0, breached=False)
    elapsed = ((stop or now) - start).total_seconds()
    return ResponseClock(name, start, stop, limit, elapsed, breached=elapsed > limit)


def _escalation(incident: Incident, ladder: Ladder, now: datetime) -> ResponseClock:
    stop = incident.episode.restored_at
    elapsed = (stop or now) - incident.episode.opened_at
    following = ladder.next_after(incident, elapsed) if stop is None else None
    limit = None if following is None else (elapsed + following).total_seconds()
    overdue = stop is None and bool(ladder.due(incident, elapsed - timedelta(seconds=60)))
    seconds = elapsed.total_seconds()
    opened = incident.episode.opened_at
    return ResponseClock("escalation", opened, stop, limit, seconds, breached=overdue)
