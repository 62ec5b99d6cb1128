"""Background delivery of the messages in the outbox."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from trimtab.infra.background import PeriodicTask
from trimtab.infra.notify.channels import Channel
from trimtab.infra.notify.outbox import Outbox, PendingMessage
from trimtab.infra.notify.routes import Message
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError

_log = logging.getLogger(__name__)
_IDLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """Result of sending one message to one channel that reaches people."""

    message: Message
    receiver: str
    """The channel's name."""
    error: str = ""
    """Reason of a failure, to be retried; empty when the channel accepted the message."""


OnReceipt = Callable[[Receipt], None]


class Reach:
    """Finds the configured channels that forward a message to people.

    Args:
        channels: All configured channels.
    """

    def __init__(self, channels: Iterable[Channel] = ()) -> None:
        self.channels = tuple(channels)

    def receivers(self, messages: Sequence[Message]) -> tuple[str, ...]:
        """Return the names of the channels that forward one of the messages to people."""
        return tuple(
            channel.name
            for channel in self.channels
            if any(channel.reaches_people(message) for message in messages)
        )


class Delivery:
    """Delivers waiting messages to every channel in order, with retries.

    Args:
        outbox: Holds the waiting messages.
        channels: Each receives every message; a message is delivered when all have accepted it.
        clock: Gives the time for retries.
        on_receipt: Called for each message that a channel forwards to people, or fails to; it may
            be called again after a crash.
    """

    def __init__(
        self,
        outbox: Outbox,
        channels: Sequence[Channel],
        clock: Clock,
        on_receipt: OnReceipt = lambda _: None,
    ) -> None:
        self._outbox = outbox
        self._channels = tuple(channels)
        self._clock = clock
        self._on_receipt = on_receipt
        self._taken: dict[int, set[int]] = {}
        """Channels that have accepted a message, by its id, so that a retry skips them."""
        self.task = PeriodicTask("notify", self.deliver_due, _IDLE_SECONDS, clock)

    def start(self) -> None:
        """Start delivery in a background thread."""
        self.task.start()

    def close(self) -> None:
        """Stop; waiting messages are delivered after the next start."""
        self.task.close(timeout=10)

    def deliver_due(self) -> int:
        """Try each due message once; return the number delivered."""
        delivered = 0
        for waiting in self._outbox.due(self._clock.now()):
            error = self._offer(waiting)
            if error is None:
                self._outbox.mark_delivered(waiting, self._clock.now())
                self._taken.pop(waiting.id, None)
                delivered += 1
            else:
                _log.warning("notification not delivered", extra={"outbox_id": waiting.id})
                self._outbox.mark_failed(
                    waiting, self._clock.now(), f"{type(error).__name__}: {error}"
                )
        return delivered

    def _offer(self, waiting: PendingMessage) -> Exception | None:
        """Send a message to the channels that lack it; return the first error."""
        taken = self._taken.setdefault(waiting.id, set())
        failure: Exception | None = None
        for number, channel in enumerate(self._channels):
            if number in taken:
                continue
            try:
                channel.send(waiting.message)
                taken.add(number)
                self._report(channel, waiting.message)
            # No channel may end the thread or block the other channels.
            except Exception as error:  # noqa: BLE001
                failure = failure or error
                self._report(channel, waiting.message, error)
        return failure

    def _report(self, channel: Channel, message: Message, error: Exception | None = None) -> None:
        if not channel.reaches_people(message):
            return
        why = "" if error is None else _reason(error)
        try:
            self._on_receipt(Receipt(message, channel.name, why))
        except Exception:  # noqa: BLE001 - the message is delivered; only its record is missing.
            _log.warning("a receipt was not recorded", exc_info=True)


def _reason(error: Exception) -> str:
    # The text of other errors may contain a URL with a token.
    return error.message if isinstance(error, TrimtabError) else type(error).__name__
