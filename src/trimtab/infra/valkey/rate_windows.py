"""Rate limits that several processes share, counted by the package ``limits`` on Valkey."""

from __future__ import annotations

import math
from hashlib import blake2b
from typing import TYPE_CHECKING

from trimtab.infra.valkey.server import Valkey
from trimtab.kernel.clock import Clock, machine_clock

if TYPE_CHECKING:
    from limits import RateLimitItem

_PREFIX = "trimtab:rate"


class SharedRateWindows:
    """Counts accepted calls of each client over all processes, on the server's clock.

    The count of the last minute is approximated: the calls of this minute, and those of the one
    before by the share of it that still lies in the window ("sliding window counter"). A log of
    every call would be exact, but its entries carry the clocks of the processes, which may differ.

    Args:
        valkey: Holds the counts; two keys for each client, which expire by themselves.
        clock: Of the process.
    """

    def __init__(self, valkey: Valkey, clock: Clock) -> None:
        from limits.storage import RedisStorage
        from limits.strategies import SlidingWindowCounterRateLimiter

        pool = valkey.client.connection_pool
        storage = RedisStorage("redis://", connection_pool=pool, key_prefix=_PREFIX)
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._valkey, self._machine = valkey, machine_clock(clock)

    def take(self, client: str, limit: int) -> int | None:
        """Count a call.

        Args:
            client: Stored as a digest: addresses are personal data.
            limit: Calls a minute, at least 1.

        Returns:
            Seconds until the next call is accepted, 0 if this one is; None while the server is
            down.
        """
        item, name = _item(limit), blake2b(client.encode(), digest_size=16).hexdigest()

        def hit(_: object) -> int:
            if self._limiter.hit(item, name):
                return 0
            reset_at = self._limiter.get_window_stats(item, name).reset_time
            return min(
                item.get_expiry(), max(1, math.ceil(reset_at - self._machine.now().timestamp()))
            )

        return self._valkey.call(hit)


def _item(limit: int) -> RateLimitItem:
    from limits import RateLimitItemPerMinute

    return RateLimitItemPerMinute(limit)
