"""A circuit breaker: opens after failures in a row, and lets one call try after a pause."""

import threading
from enum import StrEnum

from trimtab.kernel.clock import Clock


class BreakerState(StrEnum):
    """Whether calls go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CircuitBreaker:
    """Guards calls to one component. Thread-safe; half-open, exactly one call goes through.

    Args:
        failures: So many in a row open it.
        probe_seconds: How long it stays open before one call may try.
        clock: Its time.
    """

    def __init__(self, failures: int, probe_seconds: float, clock: Clock) -> None:
        self._most = failures
        self._probe_seconds = probe_seconds
        self._clock = clock
        self._failures = 0
        self._opened_at = 0.0
        self._state = BreakerState.CLOSED
        self._lock = threading.Lock()

    @property
    def state(self) -> BreakerState:
        """The state now."""
        return self._state

    @property
    def refuses(self) -> bool:
        """Whether a call would be refused now; to ask takes no call's turn."""
        with self._lock:
            return self._state is not BreakerState.CLOSED and not self._due()

    def allow(self) -> bool:
        """Return whether a call may go through; the first one after the pause is the probe."""
        with self._lock:
            if self._state is BreakerState.CLOSED:
                return True
            due = self._due()
            if due:
                # A probe that never reports back must not block the next one for ever.
                self._opened_at = self._clock.monotonic()
                self._state = BreakerState.HALF_OPEN
            return due

    def succeeded(self) -> None:
        """A call went well: close."""
        with self._lock:
            self._failures = 0
            self._state = BreakerState.CLOSED

    def failed(self) -> None:
        """A call failed: open after enough of them, and again at once after a failed probe."""
        with self._lock:
            self._failures += 1
            if self._state is BreakerState.HALF_OPEN or self._failures >= self._most:
                self._state = BreakerState.OPEN
                self._opened_at = self._clock.monotonic()

    def trip(self) -> None:
        """Open now: the component is known to be gone."""
        with self._lock:
            self._state = BreakerState.OPEN
            self._opened_at = self._clock.monotonic()

    def _due(self) -> bool:
        return self._clock.monotonic() - self._opened_at >= self._probe_seconds
