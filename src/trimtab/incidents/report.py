"""Response times of past incidents by severity and system, and the clocks kept and missed."""

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from trimtab.incidents.clocks import ResponseClock
from trimtab.incidents.model import Incident


@dataclass(frozen=True, slots=True)
class Times:
    """One kind of response time over several incidents; seconds."""

    count: int
    """Incidents for which it is known."""
    mean: float | None
    """None when it is known for none."""
    p95: float | None


@dataclass(frozen=True, slots=True)
class ResponseTimes:
    """Response times of the incidents of one severity or system."""

    name: str
    incidents: int
    detect: Times
    """From the start of the alert to the opening of the incident."""
    acknowledge: Times
    diagnose: Times
    repair: Times
    """From the opening to restored service."""


@dataclass(frozen=True, slots=True)
class ClockCounts:
    """Number of times a response clock was kept and missed."""

    clock: str
    kept: int
    missed: int


@dataclass(frozen=True, slots=True)
class IncidentReport:
    """Response times of the incidents that opened in a period."""

    since: datetime
    until: datetime
    incidents: int
    by_severity: tuple[ResponseTimes, ...]
    by_system: tuple[ResponseTimes, ...]
    clocks: tuple[ClockCounts, ...]


def report_of(
    incidents: Sequence[Incident],
    clocks_of: Callable[[Incident], Iterable[ResponseClock]],
    period: tuple[datetime, datetime],
) -> IncidentReport:
    """Return the report of the incidents that opened within the period.

    Args:
        incidents: Those of drills are left out.
        clocks_of: Returns the response clocks of an incident; running ones count when missed.
        period: Its start and end.
    """
    since, until = period
    counted = [
        each for each in incidents if since <= each.episode.opened_at <= until and not each.drill
    ]
    return IncidentReport(
        since,
        until,
        len(counted),
        _grouped(counted, lambda each: each.severity.value),
        _grouped(counted, lambda each: each.system),
        _clock_counts(counted, clocks_of),
    )


def _grouped(
    incidents: Sequence[Incident], key: Callable[[Incident], str]
) -> tuple[ResponseTimes, ...]:
    groups: dict[str, list[Incident]] = defaultdict(list)
    for incident in incidents:
        groups[key(incident)].append(incident)
    return tuple(_times(name, groups[name]) for name in sorted(groups))


def _times(name: str, incidents: Sequence[Incident]) -> ResponseTimes:
    return ResponseTimes(
        name,
        len(incidents),
        _spans((each.alert.fired_at, each.episode.opened_at) for each in incidents),
        _spans(
            (each.episode.opened_at, each.episode.acknowledged.at)
            for each in incidents
            if each.episode.acknowledged is not None
        ),
        _spans((each.episode.opened_at, each.episode.diagnosed_at) for each in incidents),
        _spans((each.episode.opened_at, each.episode.restored_at) for each in incidents),
    )


def _spans(pairs: Iterable[tuple[datetime, datetime | None]]) -> Times:
    spans = sorted(
        max(0.0, (end - begin).total_seconds()) for begin, end in pairs if end is not None
    )
    if not spans:
        return Times(0, None, None)
    last = spans[min(len(spans) - 1, round(0.95 * (len(spans) - 1)))]
    return Times(len(spans), round(statistics.fmean(spans), 3), round(last, 3))


def _clock_counts(
    incidents: Sequence[Incident], clocks_of: Callable[[Incident], Iterable[ResponseClock]]
) -> tuple[ClockCounts, ...]:
    counts: dict[str, list[int]] = {}
    for incident in incidents:
        for clock in clocks_of(incident):
            count = counts.setdefault(clock.name, [0, 0])
            if clock.breached:
                count[1] += 1
            elif clock.stopped_at is not None:
                count[0] += 1
    return tuple(ClockCounts(name, kept, missed) for name, (kept, missed) in counts.items())
