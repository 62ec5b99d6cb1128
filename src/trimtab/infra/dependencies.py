"""Circuit breakers of the services outside this process, one for each."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from trimtab.infra.breaker import BreakerState, CircuitBreaker
from trimtab.infra.retries import Errors, retry_in_background
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import Unavailable
from trimtab.kernel.operable import Sample, Signal

T = TypeVar("T")
FAILURES = 3
"""Failures in a row that open the breaker of a dependency."""
PROBE_SECONDS = 10.0
"""A dependency that failed is tried again after this time, so that pages are late by no more."""
_STATES = {BreakerState.CLOSED: 0.0, BreakerState.HALF_OPEN: 0.5, BreakerState.OPEN: 1.0}

Breakers = Callable[[], Mapping[str, CircuitBreaker]]
"""Returns the breakers of a domain now, by the name of the dependency."""


class DependencyUnavailable(Unavailable):
    """A service outside this process failed several times and is not called for some seconds."""

    code = "service.dependency_unavailable"
    default_hint = (
        "`trimtab read service.dependency.breaker` lists the services; it is tried again by itself."
    )


class Dependencies:
    """Breakers of outside services; made when a service is first named. Thread-safe.

    Args:
        clock: Measures the pauses.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._breakers: dict[str, CircuitBreaker] = {}
        self._failures: Counter[str] = Counter()
        self._sources: list[Breakers] = []
        self._lock = threading.Lock()

    def breaker(self, name: str) -> CircuitBreaker:
        """Return the breaker of a dependency."""
        with self._lock:
            if name not in self._breakers:
                self._breakers[name] = CircuitBreaker(FAILURES, PROBE_SECONDS, self._clock)
            return self._breakers[name]

    def forget(self, name: str) -> None:
        """Drop a dependency that is not used any more."""
        with self._lock:
            self._breakers.pop(name, None)

    def include(self, breakers: Breakers) -> None:
        """Show breakers that a domain keeps itself, such as those of its language models."""
        self._sources.append(breakers)

    def note_failure(self, name: str) -> None:
        """Record a failed call; enough in a row open the breaker."""
        self.breaker(name).record_failure()
        with self._lock:
            self._failures[name] += 1

    def call(self, name: str, work: Callable[[], T], errors: Errors) -> T:
        """Call a dependency once.

        Args:
            name: Of the dependency.
            work: The call.
            errors: What counts as a failure of the dependency.

        Raises:
            DependencyUnavailable: Its breaker is open, and it was not called.
        """
        breaker = self.breaker(name)
        if not breaker.allow():
            raise DependencyUnavailable(
                f"{name} failed several times in a row and is not called now."
            )
        try:
            done = work()
        except errors:
            self.note_failure(name)
            raise
        breaker.record_success()
        return done

    def call_in_background(
        self, name: str, work: Callable[[], T], errors: Errors, seconds: float = float("inf")
    ) -> T:
        """Call a dependency up to three times, 1 to 10 seconds apart; raises as `call` does."""

        def once() -> T:
            return self.call(name, work, errors)

        return retry_in_background(once, errors, self._clock, seconds)

    def states(self) -> dict[str, BreakerState]:
        """Return the state of every known breaker, by the name of its dependency."""
        with self._lock:
            known = dict(self._breakers)
        for source in self._sources:
            known.update(source())
        return {name: breaker.state for name, breaker in sorted(known.items())}

    def signals(self) -> tuple[Signal, ...]:
        """Return the state of each breaker and the failed calls."""

        def states() -> Iterable[Sample]:
            for name, state in self.states().items():
                yield Sample(_STATES[state], {"dependency": name})

        def failures() -> Iterable[Sample]:
            with self._lock:
                counts = dict(self._failures)
            for name, count in counts.items():
                yield Sample(float(count), {"dependency": name})

        return (
            Signal(
                "service.dependency.breaker",
                "1",
                "Circuit breaker of each service outside: 0 calls go out, 0.5 one probe, 1 none.",
                states,
                ("dependency",),
            ),
            Signal(
                "service.dependency.failures",
                "calls",
                "Failed calls of each service outside, since the start.",
                failures,
                ("dependency",),
                "service_dependency_failures_total",
                counter=True,
            ),
        )
