"""Live views: streams new items to viewers with a limited number of threads."""

import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import anyio.to_thread

from trimtab.kernel.errors import Unavailable

_WAIT_SECONDS = 1.0
"""Maximum wait of one look for new items, and so the delay of a view at shutdown."""
_MAX_VIEWS = 32

_MAX_PER_CALLER = 8
"""Maximum number of views per caller, so that no caller can block all others."""

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Viewer:
    """The caller of a live view, with a check that it still has access."""

    name: str
    may_look: Callable[[], bool]
    """Called before each look: a view ends with the key or session that opened it."""


class TooManyViews(Unavailable):
    """The maximum number of live views is open."""

    code = "api.too_many_live_views"
    default_hint = "Close a live timeline, or read the timeline without following it."


class LiveViews:
    """Opens live views, at most 32 in total and 8 per caller."""

    def __init__(self) -> None:
        self._threads: anyio.CapacityLimiter | None = None
        self._open: Counter[str] = Counter()
        self.ending = threading.Event()

    async def follow(
        self, look: Callable[[float], Sequence[_Item]], viewer: Viewer
    ) -> AsyncIterator[Sequence[_Item]]:
        """Yield the new items of each look; an empty sequence when there are none.

        Args:
            look: Returns new items, waiting for them at most the given seconds.
            viewer: The caller of the view.

        Raises:
            TooManyViews: The maximum number of views is open.
        """
        if self._open[viewer.name] >= _MAX_PER_CALLER or self._open.total() >= _MAX_VIEWS:
            raise TooManyViews("Too many live views are open.")
        # A separate limiter, so that open views never block other requests.
        self._threads = self._threads or anyio.CapacityLimiter(_MAX_VIEWS)
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
