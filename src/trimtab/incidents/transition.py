"""State transitions of an incident, stored in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trimtab.incidents.model import Incident, PlanApproval
from trimtab.incidents.state import State, check_transition
from trimtab.infra.notify import Message


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A journal entry that is not stored yet."""

    key: str
    """Within its incident; a second entry of the same key is not written."""
    text: str
    actor: str = "operator"
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Transition:
    """Result of a stage; stored completely or not at all."""

    incident: Incident
    """The incident afterwards. Its alerts are ignored: they belong to the alert events."""
    entries: tuple[NewEntry, ...] = ()
    messages: tuple[Message, ...] = ()
    approval: PlanApproval | None = None
    """A new request for approval."""
    pause_seconds: float = 0.0
    """Time until the next stage runs, unless a wake-up comes first."""

    def changes(self, before: Incident) -> bool:
        """Return whether there is anything to store."""
        output = self.entries or self.messages or self.approval
        return bool(output) or self.incident != before


def sentence(text: str) -> str:
    """Return a text with a full stop at its end, unless what a person wrote has one."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def moved(incident: Incident, state: State, at: datetime, **changes: Any) -> Incident:
    """Return the incident in another state.

    Raises:
        IllegalTransition: The state machine does not allow it.
    """
    check_transition(incident.state, state)
    return incident.updated(state=state, state_since=at, **changes)
