"""Circuit breaker that opens after consecutive failures and probes after a pause."""

import threading
from enum import StrEnum

from trimtab.kernel.clock import Clock


class BreakerState(StrEnum):
    """State of a circuit breaker: closed, open or half-open."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CircuitBreaker:
    """Thread-safe circuit breaker; half-open, it allows exactly one call.

    Args:
        failures: Number of consecutive failures that opens it.
        probe_seconds: Seconds that it stays open before one probe call.
        clock: Measures the pause.
    """

    def __init__(self, failures: int, probe_seconds: float, clock: Clock) -> None:
        self._max_failures = failures
        self._probe_seconds = probe_seconds
        self._clock = clock
        self._failures = 0
        self._opened_at = 0.0
        self.state = BreakerState.CLOSED
        self.healthy = True
        """True if the last call succeeded: the next one need not ask, nor record its success."""
        self._lock = threading.Lock()

    @property
    def refuses(self) -> bool:
        """True if a call would be refused now; does not consume the probe."""
        with self._lock:
            return self.state is not BreakerState.CLOSED and not self._due()

    def allow(self) -> bool:
        """Return whether a call may proceed; the first after the pause is the probe."""
        with self._lock:
            if self.state is BreakerState.CLOSED:
                return True
            due = self._due()
            if due:
                # A probe that never reports its result must not block later probes for ever.
                self._opened_at = self._clock.monotonic()
                self.state = BreakerState.HALF_OPEN
            return due

    def record_success(self) -> None:
        """Record a successful call and close the breaker."""
        with self._lock:
            self._failures = 0
            self.healthy = True
            self.state = BreakerState.CLOSED

    def record_failure(self) -> None:
        """Record a failed call; open after enough failures, or after a failed probe."""
        with self._lock:
            self._failures += 1
            self.healthy = False
            if self.state is BreakerState.HALF_OPEN or self._failures >= self._max_failures:
                self.state = BreakerState.OPEN
                self._opened_at = self._clock.monotonic()

    def trip(self) -> None:
        """Open now, because the component is known to be down."""
        with self._lock:
            self.healthy = False
            self.state = BreakerState.OPEN
            self._opened_at = self._clock.monotonic()

    def _due(self) -> bool:
        return self._clock.monotonic() - self._opened_at >= self._probe_seconds
