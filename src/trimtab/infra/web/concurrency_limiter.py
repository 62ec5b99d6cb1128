"""Concurrency limiter with a bounded queue; rejects with 503 when it is full.

Threads of one process share the interpreter lock. With forty active calls each waits for all the
others whenever it returns from the database, so every call takes as long as all of them together,
and deadlines expire that a single call never reaches. A few calls at a time have the same
throughput, and each takes only the time of its own work.
"""

from collections.abc import Callable
from typing import TypeVar

import anyio.to_thread

from trimtab.kernel.errors import Unavailable

_T = TypeVar("_T")


class TooManyWaiting(Unavailable):
    """All slots are taken and the queue is full."""

    code = "api.too_many_waiting"
    default_hint = (
        "Repeat the call in a few seconds; `api.most_waiting` sets the length of the queue."
    )


class ConcurrencyLimiter:
    """Runs a limited number of calls at once, first in, first out.

    Waiting calls take no thread from other routes.

    Args:
        at_once: The maximum number of running calls.
        max_waiting: The maximum number of waiting calls.
    """

    def __init__(self, at_once: int, max_waiting: int) -> None:
        self.at_once = at_once
        self._max_calls = at_once + max_waiting
        self._first_steps: anyio.CapacityLimiter | None = None
        self._later_steps: anyio.CapacityLimiter | None = None
        self._calls = 0

    @property
    def waiting(self) -> int:
        """Number of calls that wait for their first slot."""
        return max(0, self._calls - self.at_once)

    async def run(self, work: Callable[[], _T]) -> _T:
        """Run work in a thread when a slot is free; return its result.

        Raises:
            TooManyWaiting: The queue is full; the work did not run.
        """
        if self._calls >= self._max_calls:
            raise TooManyWaiting(f"{self.waiting} calls are waiting already.")
        # Created late, because it belongs to the running event loop.
        self._first_steps = self._first_steps or anyio.CapacityLimiter(self.at_once)
        self._calls += 1
        try:
            # Never abandon the work: its thread would continue without a slot.
            return await anyio.to_thread.run_sync(work, limiter=self._first_steps)
        finally:
            self._calls -= 1

    async def resume(self, work: Callable[[], _T]) -> _T:
        """Run a later step of started work in a separate slot; never rejected."""
        self._later_steps = self._later_steps or anyio.CapacityLimiter(self.at_once)
        return await anyio.to_thread.run_sync(work, limiter=self._later_steps)
