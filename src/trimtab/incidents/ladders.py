"""Escalation ladders: which role is called after how long, or on which event."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from trimtab.incidents.errors import LaddersRefused
from trimtab.incidents.model import Incident, IncidentSeverity
from trimtab.infra.yaml_loader import SafeLoader
from trimtab.runbooks import Library

SHIPPED = Path(__file__).parent / "ladders.yaml"
_UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Rung:
    """A role that is called when the incident is older than ``after``."""

    role: str
    after: timedelta
    severities: tuple[str, ...] = ()
    """Empty means all."""
    page: bool = False
    """Also to the on-call channel, as something that must be acted on now."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """The ladder of one source system."""

    name: str
    system: str
    rungs: tuple[Rung, ...]
    when: Mapping[str, str]
    """``remediation_failed``, ``abstained``, ``barred``, ``not_approved`` or a cause's nature, to
    the role that is called.
    """

    def due(self, incident: Incident, age: timedelta) -> tuple[Rung, ...]:
        """Return the rungs that are due and not done with, the earliest first."""
        due = (rung for rung in self._open(incident) if rung.after <= age)
        return tuple(sorted(due, key=lambda rung: rung.after))

    def next_after(self, incident: Incident, age: timedelta) -> timedelta | None:
        """Return the time until the next rung, or None if there is none."""
        coming = [rung.after - age for rung in self._open(incident) if rung.after > age]
        return min(coming, default=None)

    def _open(self, incident: Incident) -> tuple[Rung, ...]:
        return tuple(
            rung
            for rung in self.rungs
            if rung.role not in (*incident.episode.called, *incident.episode.passed_over)
            and (not rung.severities or incident.severity in rung.severities)
        )


Ladders = Mapping[str, Ladder]


def load_ladders(file: str = "") -> Ladders:
    """Load the ladders from a file; without one, the shipped ladders.

    Raises:
        LaddersRefused: The file does not have the format of docs/incidents.md.
    """
    path = Path(file) if file else SHIPPED
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), SafeLoader)  # noqa: S506 - it is one.
        return {name: _ladder(name, body) for name, body in document.items()}
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise LaddersRefused(f"The ladders in {path.name} cannot be read: {error!r}.") from error


def check_ladders(library: Library, ladders: Ladders) -> None:
    """Check that every ladder that a runbook names exists.

    Raises:
        LaddersRefused: A runbook names an unknown ladder.
    """
    for book in library.runbooks.values():
        if book.ladder not in ladders:
            raise LaddersRefused(
                f"{book.path}: unknown ladder {book.ladder!r}.",
                hint=f"Use one of: {', '.join(ladders)}.",
            )


def _ladder(name: str, body: dict[str, Any]) -> Ladder:
    rungs = tuple(_rung(rung) for rung in body.get("rungs", ()))
    when = {str(event): str(role) for event, role in body.get("when", {}).items()}
    return Ladder(name, str(body["system"]), rungs, when)


def _rung(body: dict[str, Any]) -> Rung:
    severities = tuple(IncidentSeverity(name).value for name in body.get("severities", ()))
    return Rung(str(body["who"]), _duration(body["after"]), severities, bool(body.get("page")))


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"([0-9]+)(s|m|h)", text)
    if not found:
        raise ValueError(f"{text!r} is not a duration such as 15m")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])
