"""The thread that empties the outbox."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from trimtab.infra.background import PeriodicTask
from trimtab.infra.notify.channels import Channel
from trimtab.infra.notify.outbox import Outbox, Waiting
from trimtab.infra.notify.routes import Message
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError

_log = logging.getLogger(__name__)
_IDLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of giving one message to one channel that reaches people."""

    message: Message
    receiver: str
    """The channel's name."""
    error: str = ""
    """Empty when it was accepted; else why not. It is tried again."""


OnReceipt = Callable[[Receipt], None]


class Reach:
    """Tells which of the configured channels would pass a message on to people.

    Args:
        channels: All that are configured.
    """

    def __init__(self, channels: Iterable[Channel] = ()) -> None:
        self.channels = tuple(channels)

    def receivers(self, messages: Sequence[Message]) -> tuple[str, ...]:
        """Return the names of the channels that pass one of the messages on to people."""
        return tuple(
            channel.name
            for channel in self.channels
            if any(channel.reaches_people(message) for message in messages)
        )


class Delivery:
    """Delivers waiting messages to every channel, in order; a failing one is tried again later.

    Args:
        outbox: Where messages wait.
        channels: Each takes every message; a message counts as delivered when all have taken it.
        clock: For due times.
        on_receipt: Called for each message that a channel passes on to people, or fails to; it may be called again
            after a crash.
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
        """Of messages that were tried: which channels have them already, so that a broken one doubles none."""
        self.task = PeriodicTask("notify", self.deliver_due, _IDLE_SECONDS, clock)

    def start(self) -> None:
        """Begin delivering in a thread of its own."""
        self.task.start()

    def close(self) -> None:
        """Stop; what waits is delivered at the next start."""
        self.task.close(timeout=10)

    def deliver_due(self) -> int:
        """Try every message that is due once; return how many were delivered."""
        delivered = 0
        for waiting in self._outbox.due(self._clock.now()):
            error = self._offer(waiting)
            if error is None:
                self._outbox.delivered(waiting, self._clock.now())
                self._taken.pop(waiting.id, None)
                delivered += 1
            else:
                _log.warning("notification not delivered", extra={"outbox_id": waiting.id})
                self._outbox.failed(waiting, self._clock.now(), f"{type(error).__name__}: {error}")
        return delivered

    def _offer(self, waiting: Waiting) -> Exception | None:
        """Give the message to every channel that has not taken it; return the first failure."""
        taken = self._taken.setdefault(waiting.id, set())
        failure: Exception | None = None
        for number, channel in enumerate(self._channels):
            if number in taken:
                continue
            try:
                channel.send(waiting.message)
                taken.add(number)
                self._report(channel, waiting.message)
            except Exception as error:  # noqa: BLE001 - no channel may end the thread, or keep a message from others.
                failure = failure or error
                self._report(channel, waiting.message, error)
        return failure

    def _report(self, channel: Channel, message: Message, error: Exception | None = None) -> None:
        if not channel.reaches_people(message):
            return
        why = "" if error is None else _reason(error)
        try:
            self._on_receipt(Receipt(message, channel.name, why))
        except Exception:  # noqa: BLE001 - the message is delivered; its record is only missing then.
            _log.warning("a receipt was not recorded", exc_info=True)


def _reason(error: Exception) -> str:
    # Other errors may hold an address with a token in it.
    return error.message if isinstance(error, TrimtabError) else type(error).__name__
