"""The thread that empties the outbox."""

import logging
import threading
from collections.abc import Sequence

from trimtab.infra.notify.channels import Channel
from trimtab.infra.notify.outbox import Outbox, Waiting
from trimtab.kernel.clock import Clock

_log = logging.getLogger(__name__)
_IDLE_SECONDS = 2.0


class Delivery:
    """Delivers waiting messages to every channel, in order; a failing one is tried again later.

    Args:
        outbox: Where messages wait.
        channels: Each takes every message; a message counts as delivered when all have taken it.
        clock: For due times.
    """

    def __init__(self, outbox: Outbox, channels: Sequence[Channel], clock: Clock) -> None:
        self._outbox = outbox
        self._channels = tuple(channels)
        self._clock = clock
        self._taken: dict[int, set[int]] = {}
        """Of messages that were tried: which channels have them already, so that a broken one doubles none."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notify", daemon=True)

    def start(self) -> None:
        """Begin delivering in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Stop; what waits is delivered at the next start."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

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
            except Exception as error:  # noqa: BLE001 - no channel may end the thread, or keep a message from others.
                failure = failure or error
        return failure

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.deliver_due()
            except Exception:  # noqa: BLE001 - the database may be busy or full now and well again later.
                _log.warning("the outbox cannot be read", exc_info=True)
            self._clock.wait(self._stop, _IDLE_SECONDS)
