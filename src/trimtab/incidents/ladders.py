"""Escalation ladders as data: who is called after how long, and who when something particular happens."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from trimtab.incidents.errors import LaddersRefused
from trimtab.incidents.model import Incident, IncidentSeverity
from trimtab.runbooks import Library

SHIPPED = Path(__file__).parent / "ladders.yaml"
_UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Rung:
    """Somebody who is called when the incident is older than ``after``."""

    who: str
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
    """``remediation_failed``, ``abstained``, ``barred``, ``not_approved`` or a cause's nature, to who is called."""

    def due(self, incident: Incident, age: timedelta) -> tuple[Rung, ...]:
        """Return the rungs whose time has come and that were not called yet."""
        return tuple(rung for rung in self._open(incident) if rung.after <= age)

    def next_after(self, incident: Incident, age: timedelta) -> timedelta | None:
        """Return how long until the next rung, or None when there is none."""
        coming = [rung.after - age for rung in self._open(incident) if rung.after > age]
        return min(coming, default=None)

    def _open(self, incident: Incident) -> tuple[Rung, ...]:
        return tuple(
            rung
            for rung in self.rungs
            if rung.who not in incident.episode.called
            and (not rung.severities or incident.severity in rung.severities)
        )


Ladders = Mapping[str, Ladder]


def load_ladders(file: str = "") -> Ladders:
    """Read the ladders of a file; without one, the shipped ladders.

    Raises:
        LaddersRefused: The file is not what docs/incidents.md describes.
    """
    path = Path(file) if file else SHIPPED
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {name: _ladder(name, body) for name, body in document.items()}
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise LaddersRefused(f"The ladders in {path.name} are refused: {error!r}.") from error


def check_ladders(library: Library, ladders: Ladders) -> None:
    """Refuse a library that names a ladder which does not exist.

    Raises:
        LaddersRefused: It does.
    """
    for book in library.runbooks.values():
        if book.ladder not in ladders:
            raise LaddersRefused(
                f"{book.path}: there is no ladder {book.ladder!r}.",
                hint=f"Use one of: {', '.join(ladders)}.",
            )


def _ladder(name: str, body: dict[str, Any]) -> Ladder:
    rungs = tuple(_rung(rung) for rung in body.get("rungs", ()))
    when = {str(event): str(who) for event, who in body.get("when", {}).items()}
    return Ladder(name, str(body["system"]), rungs, when)


def _rung(body: dict[str, Any]) -> Rung:
    severities = tuple(IncidentSeverity(name).value for name in body.get("severities", ()))
    return Rung(str(body["who"]), _duration(body["after"]), severities, bool(body.get("page")))


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"([0-9]+)(s|m|h)", text)
    if not found:
        raise ValueError(f"{text!r} is not a duration such as 15m")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])
