"""Reads on-call schedules and finds who is on call at an instant."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from trimtab.incidents.errors import OnCallFileRefused

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TURN = re.compile(r"([1-9][0-9]{0,3})(h|d|w)")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Schedule:
    """A rotation of people for a role of the escalation ladders."""

    name: str
    role: str
    people: tuple[str, ...]
    zone: ZoneInfo
    start: datetime
    """Wall-clock time in the zone, without an offset, at which the first person begins."""
    turn: timedelta
    days: frozenset[int]
    """Days on which it counts; 0 is Monday."""
    begin: time
    end: time
    """The hours in which it counts, also over midnight; equal ones mean the whole day."""

    def person_at(self, now: datetime) -> str:
        """Return who is on call; empty before the start and outside its days and hours.

        Turns change at the same wall-clock time all year, so one of them is an hour shorter or
        longer when the clocks change.
        """
        there = now.astimezone(self.zone).replace(tzinfo=None)
        if there < self.start or not self._counts(there):
            return ""
        turns = (there - self.start) // self.turn
        return self.people[turns % len(self.people)]

    def next_change(self, now: datetime) -> datetime:
        """Return when the turn ends that is running, or when the first one begins."""
        there = now.astimezone(self.zone).replace(tzinfo=None)
        turns = (there - self.start) // self.turn + 1 if there >= self.start else 0
        wall = self.start + turns * self.turn
        return wall.replace(tzinfo=self.zone).astimezone(now.tzinfo)

    def _counts(self, there: datetime) -> bool:
        at, day = there.time(), there.weekday()
        if self.begin == self.end:
            return day in self.days
        if self.begin < self.end:
            return day in self.days and self.begin <= at < self.end
        yesterday = (there - timedelta(days=1)).weekday()
        return (day in self.days and at >= self.begin) or (yesterday in self.days and at < self.end)


def load_schedules(file: str) -> tuple[Schedule, ...]:
    """Load the schedules of a file; none without one.

    Raises:
        OnCallFileRefused: The file does not have the format of docs/oncall.md.
    """
    if not file:
        return ()
    path = Path(file)
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return tuple(_schedule(str(k), body) for k, body in document["schedules"].items())
    except (OSError, yaml.YAMLError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise OnCallFileRefused(f"{path.name} cannot be read: {error!r}.") from error


def _schedule(name: str, body: Mapping[str, Any]) -> Schedule:
    people = tuple(str(person) for person in body["people"])
    if not people:
        raise ValueError(f"the schedule {name} has no people")
    days = body.get("days", _DAYS)
    start = body["start"]
    found = start if isinstance(start, datetime) else datetime.fromisoformat(str(start))
    return Schedule(
        name=name,
        role=str(body["role"]),
        people=people,
        zone=ZoneInfo(str(body.get("time_zone", "UTC"))),
        start=found.replace(tzinfo=None),
        turn=_turn(str(body.get("turn", "1w"))),
        days=frozenset(_DAYS.index(str(day)[:3].lower()) for day in days),
        begin=time.fromisoformat(str(body.get("from", "00:00"))),
        end=time.fromisoformat(str(body.get("to", "00:00"))),
    )


def _turn(text: str) -> timedelta:
    found = _TURN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a turn such as 12h, 1d or 1w")
    return int(found[1]) * _UNITS[found[2]]
