"""One page for an outage of the whole system, however often it is asked for."""

from dataclasses import dataclass

from trimtab.infra.notify.delivery import Reach
from trimtab.infra.notify.outbox import Outbox
from trimtab.infra.notify.routes import Kind, Message
from trimtab.kernel.clock import Clock
from trimtab.kernel.ids import new_id

DESCRIPTION = "System-wide outage"
SUBJECT = "trimtab-system-wide-outage"
"""The event's ``dedup_key`` at PagerDuty, also of the watchdog: both make one alert there."""


@dataclass(frozen=True, slots=True)
class OutageCall:
    """Result of a page or of its end."""

    sent: bool
    """False when the same was said already."""
    receivers: tuple[str, ...]
    """Channels that reach people; empty when none is configured."""
    message: str


class OutagePages:
    """Pages the incident response team once for each outage.

    Args:
        outbox: Keeps the messages; the newest one says whether an outage is open.
        reach: The channels.
        clock: Of the process.
    """

    def __init__(self, outbox: Outbox, reach: Reach, clock: Clock) -> None:
        self._outbox = outbox
        self._reach = reach
        self._clock = clock

    def trigger(self, description: str = DESCRIPTION) -> OutageCall:
        """Page people, unless the outage was paged and not resolved yet."""
        return self._say(Kind.PAGE, description or DESCRIPTION, already="was paged already")

    def resolve(self) -> OutageCall:
        """Resolve the page."""
        text = f"{DESCRIPTION}: resolved."
        return self._say(Kind.RESOLUTION, text, already="was not paged")

    @property
    def open(self) -> bool:
        """Return whether an outage was paged and not resolved."""
        found = self._outbox.about(SUBJECT)
        return bool(found) and found[-1].kind is not Kind.RESOLUTION

    def _say(self, kind: Kind, text: str, *, already: str) -> OutageCall:
        channel = "#on-call" if kind is Kind.PAGE else "#incidents"
        key = new_id("outage", self._clock.now())
        # Mail has a kind of its own: PagerDuty receives every message and must make one event.
        mail = Kind.ESCALATION if kind is Kind.PAGE else Kind.NOTE
        messages = [
            Message("email", mail, text, key, SUBJECT),
            Message(channel, kind, text, key, SUBJECT),
        ]
        receivers = self._reach.receivers(messages)
        if self.open is (kind is Kind.PAGE):
            return OutageCall(sent=False, receivers=receivers, message=f"The outage {already}.")
        for message in messages:
            self._outbox.add(message, self._clock.now())
        sent_to = f"Sent to {', '.join(receivers)}." if receivers else ""
        return OutageCall(
            sent=True,
            receivers=receivers,
            message=sent_to or "No on-call channel is configured, so no one was called.",
        )
