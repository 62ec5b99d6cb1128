"""Rate limits per client over a sliding window of one minute, in this process or over all."""

import math
import threading
from collections import OrderedDict, deque
from typing import Protocol

from starlette.concurrency import run_in_threadpool

from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.errors import RateLimited

WINDOW_SECONDS = 60.0
_CLIENTS = 4096
"""Maximum number of tracked clients; the least recently active one is dropped first."""


class TooManyCalls(RateLimited):
    """A client exceeded its limit."""

    code = "api.rate_limited"

    def __init__(self, limit: int, retry_after_seconds: int) -> None:
        super().__init__(
            f"More than {limit} calls in a minute.",
            hint=f"Repeat the call in {retry_after_seconds} s.",
        )
        self.retry_after_seconds = retry_after_seconds


class SharedWindows(Protocol):
    """Counts calls over all processes."""

    def take(self, client: str, limit: int) -> int | None:
        """Count a call; return seconds to wait, 0 when it is accepted, None when it cannot tell."""


class RateLimits:
    """Counts accepted calls by client over a sliding minute.

    Args:
        clock: Of the process.
        shared: Counts over all processes; while it cannot, this process counts alone.
    """

    def __init__(self, clock: Clock, shared: SharedWindows | None = None) -> None:
        self._shared = shared
        # Real time, because calls do not speed up with a drill's clock.
        self._machine = machine_clock(clock)
        self._calls: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    async def admit(self, client: str, limit: int) -> None:
        """Count a call, or raise `TooManyCalls`; a limit of 0 means no limit."""
        if limit == 0:
            return
        if self._shared is None:
            self._count(client, limit)
            return
        wait = await run_in_threadpool(self._shared.take, client, limit)
        if wait:
            raise TooManyCalls(limit, wait)
        # This process counts what it accepts all the time: a client whose calls it has seen in the
        # last minute does not begin again when the shared count is lost.
        self._count(client, limit if wait is None else math.inf)

    def _count(self, client: str, limit: float) -> None:
        now = self._machine.monotonic()
        with self._lock:
            calls = self._calls.setdefault(client, deque())
            self._calls.move_to_end(client)
            while calls and calls[0] <= now - WINDOW_SECONDS:
                calls.popleft()
            if len(calls) >= limit:
                raise TooManyCalls(int(limit), math.ceil(calls[0] + WINDOW_SECONDS - now))
            calls.append(now)
            if len(self._calls) > _CLIENTS:
                self._calls.popitem(last=False)
