"""Answers and deadlines of requests that wait on an event loop."""

import asyncio
import logging

from trimtab.kernel.errors import TrimtabError
from trimtab.models.serving.model_server import ModelServer
from trimtab.models.serving.records import PendingRequest, Prediction

_log = logging.getLogger(__name__)


class LoopDeliverer:
    """Resolves the futures of one event loop, many with one wake-up."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __call__(self, pairs: list[tuple[PendingRequest, Prediction | TrimtabError]]) -> None:
        """Hand the answers over, from any thread."""
        try:
            self._loop.call_soon_threadsafe(_resolve, pairs)
        except RuntimeError:
            # The loop has ended, and with it everybody who waited.
            _log.debug("predictions came after the end of their event loop")


def _resolve(pairs: list[tuple[PendingRequest, Prediction | TrimtabError]]) -> None:
    for pending, answer in pairs:
        if not pending.waiter.done():
            pending.waiter.set_result(answer)


def expire(server: ModelServer, pending: PendingRequest, seconds_left: float) -> None:
    """Ask the next version, because the first is late; give up when the rest has passed too."""
    loop = asyncio.get_running_loop()
    pending.timer = loop.call_later(seconds_left, give_up, server, pending)
    server.expire(pending)


def give_up(server: ModelServer, pending: PendingRequest) -> None:
    """At the deadline ask no version any more; the baseline answers at once, if there is one."""
    pending.plan.clear()
    server.expire(pending)
