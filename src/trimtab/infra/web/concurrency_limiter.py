"""Admission: so many calls are worked on at once, the others wait their turn, and too many are told to come back.

Threads of one process share the interpreter. With forty at work each waits for all the others whenever it comes back
from the database, so that every call takes as long as all of them together, and deadlines run out that no call by
itself comes near. A few at a time serve the same number a second, each within the time that its own work takes.
"""

from collections.abc import Callable
from typing import TypeVar

import anyio.to_thread

from trimtab.kernel.errors import Unavailable

_T = TypeVar("_T")


class TooManyWaiting(Unavailable):
    """All places are taken, and as many wait for one as may."""

    code = "api.too_many_waiting"
    default_hint = "Repeat the call in a few seconds; `api.most_waiting` is how many may wait."


class Places:
    """Hands out places in the order of asking. Who waits for one takes no thread from other routes.

    Args:
        at_once: How many calls are worked on at once.
        most_waiting: How many may wait for a place.
    """

    def __init__(self, at_once: int, most_waiting: int) -> None:
        self.at_once = at_once
        self._most = at_once + most_waiting
        self._new: anyio.CapacityLimiter | None = None
        self._begun: anyio.CapacityLimiter | None = None
        self._here = 0

    @property
    def waiting(self) -> int:
        """How many wait for their first place now."""
        return max(0, self._here - self.at_once)

    async def run(self, work: Callable[[], _T]) -> _T:
        """Return what the work returns, done in a thread when it is its turn.

        Raises:
            TooManyWaiting: Too many wait already; nothing was done.
        """
        if self._here >= self._most:
            raise TooManyWaiting(f"{self.waiting} calls wait for their turn.")
        # Made late: it belongs to the event loop that serves.
        self._new = self._new or anyio.CapacityLimiter(self.at_once)
        self._here += 1
        try:
            # Work is never abandoned: its thread would go on without a place.
            return await anyio.to_thread.run_sync(work, limiter=self._new)
        finally:
            self._here -= 1

    async def go_on(self, work: Callable[[], _T]) -> _T:
        """Do the next step of work that has begun: at a place of its own, before all that has not, and never refused."""
        self._begun = self._begun or anyio.CapacityLimiter(self.at_once)
        return await anyio.to_thread.run_sync(work, limiter=self._begun)
