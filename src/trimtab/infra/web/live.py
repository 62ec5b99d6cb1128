"""Live views: follows something that grows, without holding more than a few threads."""

import threading
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeVar

import anyio.to_thread

from trimtab.kernel.errors import Unavailable

_WAIT_SECONDS = 1.0
"""How long one look waits for news, and so how soon a view ends at shutdown."""
_MOST_VIEWS = 32

_Item = TypeVar("_Item")


class TooManyViews(Unavailable):
    """All places for live views are taken."""

    code = "api.too_many_live_views"
    default_hint = "Close a live timeline, or read the timeline without following it."


class LiveViews:
    """Hands out live views, at most 32 at a time, and ends them all at shutdown."""

    def __init__(self) -> None:
        self._threads: anyio.CapacityLimiter | None = None
        self._open = 0
        self.ending = threading.Event()

    async def follow(
        self, look: Callable[[float], Sequence[_Item]]
    ) -> AsyncIterator[Sequence[_Item]]:
        """Yield what each look finds; nothing found is an empty sequence, a chance to look elsewhere.

        Args:
            look: Returns what is new, after waiting at most the given seconds for it.

        Raises:
            TooManyViews: There is no place for another view.
        """
        if self._open >= _MOST_VIEWS:
            raise TooManyViews("Too many live views are open.")
        # Threads of their own, so that open views never keep other requests waiting.
        self._threads = self._threads or anyio.CapacityLimiter(_MOST_VIEWS)
        self._open += 1
        try:
            while not self.ending.is_set():
                yield await anyio.to_thread.run_sync(
                    look, _WAIT_SECONDS, limiter=self._threads, abandon_on_cancel=True
                )
        finally:
            self._open -= 1
