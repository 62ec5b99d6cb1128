"""Live views: follows something that grows, without holding more than a few threads."""

import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import anyio.to_thread

from trimtab.kernel.errors import Unavailable

_WAIT_SECONDS = 1.0
"""How long one look waits for news, and so how soon a view ends at shutdown."""
_MOST_VIEWS = 32

_MOST_PER_CALLER = 8
"""Of them at most so many for one caller: nobody may keep all others from looking."""

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who follows, and whether they still may."""

    name: str
    may_look: Callable[[], bool]
    """Asked before each look: a view ends with the key or the session that opened it."""


class TooManyViews(Unavailable):
    """All places for live views are taken."""

    code = "api.too_many_live_views"
    default_hint = "Close a live timeline, or read the timeline without following it."


class LiveViews:
    """Hands out live views, at most 32 at a time and 8 to a caller, and ends them all at shutdown."""

    def __init__(self) -> None:
        self._threads: anyio.CapacityLimiter | None = None
        self._open: Counter[str] = Counter()
        self.ending = threading.Event()

    async def follow(
        self, look: Callable[[float], Sequence[_Item]], viewer: Viewer
    ) -> AsyncIterator[Sequence[_Item]]:
        """Yield what each look finds; nothing found is an empty sequence, a chance to look elsewhere.

        Args:
            look: Returns what is new, after waiting at most the given seconds for it.
            viewer: Who follows.

        Raises:
            TooManyViews: There is no place for another view.
        """
        if self._open[viewer.name] >= _MOST_PER_CALLER or self._open.total() >= _MOST_VIEWS:
            raise TooManyViews("Too many live views are open.")
        # Threads of their own, so that open views never keep other requests waiting.
        self._threads = self._threads or anyio.CapacityLimiter(_MOST_VIEWS)
        self._open[viewer.name] += 1

        def looked() -> Sequence[_Item] | None:
            return look(_WAIT_SECONDS) if viewer.may_look() else None

        try:
            while not self.ending.is_set():
                found = await anyio.to_thread.run_sync(
                    looked, limiter=self._threads, abandon_on_cancel=True
                )
                if found is None:
                    return
                yield found
        finally:
            self._open[viewer.name] -= 1
