"""Ports from the calendar to the incidents and the on-call schedules."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from trimtab.incidents.model import Entry, Incident

PersonFor = Callable[[str, datetime], str]
"""Returns who is on call for a role; empty when no one is known."""


class IncidentSource(Protocol):
    """Stored incidents from which tasks follow."""

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call the listener with an incident's id after each of its changes."""
        ...

    def get(self, incident_id: str) -> Incident:
        """Return the incident of that id."""
        ...

    def find(
        self, *, active: bool | None = None, drills: bool | None = None, limit: int | None = 100
    ) -> list[Incident]:
        """Return incidents, the newest first."""
        ...

    def timeline(self, incident_id: str, after_seq: int = 0) -> list[Entry]:
        """Return the journal entries of an incident."""
        ...
