"""Background delivery of the messages in the outbox."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from trimtab.infra.dependencies import Dependencies
from trimtab.infra.notify.channels import Channel, NotDelivered
from trimtab.infra.notify.deliveries import FINAL, DeliveryRecord, DeliveryState
from trimtab.infra.notify.health import ChannelHealth
from trimtab.infra.notify.outbox import Outbox, PendingMessage
from trimtab.infra.notify.routes import Kind, Message
from trimtab.infra.restartable import RestartableTask
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


class _GivenUp(Exception):
    """The last attempt of a channel has failed."""


OnReceipt = Callable[[Receipt], None]


class Reach:
    """Finds the configured channels that forward a message to people.

    Args:
        channels: All configured channels.
        dependencies: Their circuit breakers; None calls each channel every time.
    """

    def __init__(
        self, channels: Iterable[Channel] = (), dependencies: Dependencies | None = None
    ) -> None:
        self.channels = list(channels)
        """Delivery and self-tests see what is added or removed."""
        self.health = ChannelHealth(dependencies)

    def receivers(self, messages: Sequence[Message]) -> tuple[str, ...]:
        """Return the names of the channels that forward one of the messages to people."""
        return tuple(
            channel.name
            for channel in self.channels
            if any(channel.reaches_people(message) for message in messages)
        )


class Delivery:
    """Delivers waiting messages to every channel in order, with retries and dead letters.

    Args:
        outbox: Holds the waiting messages and the state of each on each channel.
        channels: Each receives every message; a message is done when all have accepted it or were
            given up.
        clock: Gives the time for retries.
        on_receipt: Called for each message that a channel forwards to people, or fails to; it may
            be called again after a crash.
        health: Counts the failures of each channel.
        max_attempts: Attempts after which a message is a dead letter for a channel.
    """

    def __init__(
        self,
        outbox: Outbox,
        channels: Sequence[Channel],
        clock: Clock,
        on_receipt: OnReceipt = lambda _: None,
        health: ChannelHealth | None = None,
        max_attempts: int = 20,
    ) -> None:
        self._outbox = outbox
        self._channels = channels
        self._clock = clock
        self._on_receipt = on_receipt
        self._health = health or ChannelHealth()
        self._max_attempts = max_attempts
        self._taken: dict[int, set[int]] = {}
        """Channels without people, such as the log, that have a message, by the message's id."""
        self.task = RestartableTask("notify", self.deliver_due, _IDLE_SECONDS, clock)

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
            with self._outbox.claimed(waiting, self._clock.now()) as claimed:
                if claimed is not None:
                    delivered += self._deliver(claimed)
        return delivered

    def _deliver(self, waiting: PendingMessage) -> bool:
        error = self._offer(waiting)
        if error is None:
            self._outbox.mark_delivered(waiting, self._clock.now())
            self._taken.pop(waiting.id, None)
            return True
        _log.warning("notification not delivered", extra={"outbox_id": waiting.id})
        self._outbox.mark_failed(waiting, self._clock.now(), f"{type(error).__name__}: {error}")
        return False

    def _offer(self, waiting: PendingMessage) -> Exception | None:
        """Send a message to the channels that lack it; return the first error to be retried."""
        taken = self._taken.setdefault(waiting.id, set())
        known = self._outbox.deliveries.of(waiting.id) if waiting.attempts else {}
        failure: Exception | None = None
        for number, channel in enumerate(self._channels):
            record = known.get(channel.name)
            done = number in taken or (record is not None and record.state in FINAL)
            if done or waiting.message.subject == _about(channel.name):
                continue
            error = self._send(channel, waiting, record.attempts if record else 0)
            if error is None:
                taken.add(number)
            elif not isinstance(error, _GivenUp):
                failure = failure or error
        return failure

    def _send(self, channel: Channel, waiting: PendingMessage, before: int) -> Exception | None:
        message, state = waiting.message, DeliveryState.DELIVERED
        if channel.reaches_people(message) and not self._health.allow(channel.name):
            # One that is silent would hold up the messages of all others for its time limit.
            return NotDelivered(f"{channel.name} has just failed and is spared for some seconds.")
        error: Exception | None = None
        try:
            channel.send(message)
        # No channel may end the thread or block the other channels.
        except Exception as failed:  # noqa: BLE001
            is_last = before + 1 >= self._max_attempts
            state = DeliveryState.DEAD if is_last else DeliveryState.RETRYING
            error = failed
        if channel.reaches_people(message):
            why = "" if error is None else reason_of(error)
            now = self._clock.now()
            self._outbox.deliveries.put(
                DeliveryRecord(waiting.id, channel.name, state, before + 1, why, now.isoformat())
            )
            self._note(channel.name, why)
        self._report(channel, message, error)
        return _GivenUp() if state is DeliveryState.DEAD else error

    def _note(self, channel: str, why: str) -> None:
        """Count the attempt; a channel that begins to fail is reported through the others."""
        if not self._health.note(channel, failed=bool(why)):
            return
        now = self._clock.now()
        text = (
            f"The notification channel {channel} fails: {why} Its messages wait and are sent again;"
            f" `trimtab notifications test {channel}` tests it."
        )
        key = f"channel-failing|{channel}|{now:%Y-%m-%dT%H}"
        for target in ("#incidents", "email"):
            report = Message(target, Kind.ALERT, text, key, _about(channel))
            others = (each for each in self._channels if each.name != channel)
            if any(each.reaches_people(report) for each in others):
                self._outbox.add(report, now)

    def _report(self, channel: Channel, message: Message, error: Exception | None = None) -> None:
        if not channel.reaches_people(message):
            return
        why = "" if error is None else reason_of(error)
        try:
            self._on_receipt(Receipt(message, channel.name, why))
        except Exception:  # noqa: BLE001 - the message is delivered; only its record is missing.
            _log.warning("a receipt was not recorded", exc_info=True)


def _about(channel: str) -> str:
    """Return the subject of the alert that a channel fails, which that channel does not get."""
    return f"channel:{channel}"


def reason_of(error: Exception) -> str:
    """Return why a delivery failed, without addresses or tokens."""
    # The text of other errors may contain a URL with a token.
    return error.message if isinstance(error, TrimtabError) else type(error).__name__
