"""Rate limits per client over a sliding window of one minute."""

import math
import threading
from collections import OrderedDict, deque

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


class RateLimits:
    """Counts accepted calls by client over a sliding minute."""

    def __init__(self, clock: Clock) -> None:
        # Real time, because calls do not speed up with a drill's clock.
        self._machine = machine_clock(clock)
        self._calls: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, client: str, limit: int) -> None:
        """Count a call, or raise `TooManyCalls`; a limit of 0 means no limit."""
        if limit == 0:
            return
        now = self._machine.monotonic()
        with self._lock:
            calls = self._calls.setdefault(client, deque())
            self._calls.move_to_end(client)
            while calls and calls[0] <= now - WINDOW_SECONDS:
                calls.popleft()
            if len(calls) >= limit:
                raise TooManyCalls(limit, math.ceil(calls[0] + WINDOW_SECONDS - now))
            calls.append(now)
            if len(self._calls) > _CLIENTS:
                self._calls.popitem(last=False)
