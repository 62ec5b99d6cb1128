"""In-process events: domains publish, ``app`` subscribes the listeners.

Publish after the transaction has committed; a listener must never be able to undo the event it
receives.
"""

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from trimtab.kernel.redaction import SIGNS, hide_in

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, named ``domain.past_participle`` (``answers.given``)."""

    name: str
    at: datetime
    subject: str
    """The id of the thing it happened to."""
    facts: dict[str, object]
    """JSON-ready details, without personal data."""


Listener = Callable[[Event], None]


class Events:
    """Delivers each event to its listeners in the order in which they subscribed."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, list[Listener]] = defaultdict(list)

    def subscribe(self, name: str, listener: Listener) -> None:
        """Call the listener for every event of that name; ``"*"`` means all."""
        self._listeners[name].append(listener)

    def publish(self, event: Event) -> None:
        """Deliver the event. A listener that fails is logged; the others still receive it."""
        text = str(event.facts)
        if any(sign in text for sign in SIGNS):
            facts = {name: hide_in(value) for name, value in event.facts.items()}
            event = replace(event, facts=facts)
        for listener in (*self._listeners[event.name], *self._listeners["*"]):
            try:
                listener(event)
            # The publisher's work is committed; a listener cannot fail it.
            except Exception:  # noqa: BLE001
                _log.exception("event listener failed", extra={"event": event.name})
