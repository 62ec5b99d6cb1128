"""One turn of the loop: what a stage decided, applied to the store in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trimtab.incidents.model import Incident, PlanApproval
from trimtab.incidents.state import State, check_transition
from trimtab.infra.notify import Message


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A journal entry that has no number yet."""

    key: str
    """Within its incident; a second entry of the same key is not written."""
    text: str
    actor: str = "operator"
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Transition:
    """What a stage decided. Everything in it becomes true together, or nothing does."""

    incident: Incident
    """The incident afterwards. Its alerts are ignored: they belong to the alert events."""
    entries: tuple[NewEntry, ...] = ()
    messages: tuple[Message, ...] = ()
    approval: PlanApproval | None = None
    """A question to ask."""
    pause_seconds: float = 0.0
    """How long there is nothing to do, unless somebody wakes the job."""

    def changes(self, before: Incident) -> bool:
        """Return whether there is anything to write."""
        said = self.entries or self.messages or self.approval
        return bool(said) or self.incident != before


def moved(incident: Incident, state: State, at: datetime, **changes: Any) -> Incident:
    """Return the incident in another state.

    Raises:
        IllegalTransition: It cannot go there.
    """
    check_transition(incident.state, state)
    return incident.updated(state=state, state_since=at, **changes)
