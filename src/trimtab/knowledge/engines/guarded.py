"""An engine behind a circuit breaker: callers never queue up for one that is down."""

import logging
from collections.abc import Callable
from typing import TypeVar

from trimtab.infra.breaker import BreakerState, CircuitBreaker
from trimtab.infra.retries import retry_within
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.drilling import Apart
from trimtab.knowledge.engine_port import VectorEngine
from trimtab.knowledge.errors import EngineUnavailable
from trimtab.knowledge.metrics import RecentValues

_log = logging.getLogger(__name__)
T = TypeVar("T")


class GuardedEngine:
    """One engine, its breaker, and how long it takes to answer.

    Args:
        engine: The client.
        breaker: Opens after failures in a row.
        clock: Of the process.
        search_seconds: Deadline of a search, with its second attempt.
    """

    def __init__(
        self,
        engine: VectorEngine,
        breaker: CircuitBreaker,
        clock: Clock,
        search_seconds: float = 5.0,
    ) -> None:
        self._engine = engine
        self.clock = clock
        self._search_seconds = search_seconds
        self._machine = machine_clock(clock)
        self.breaker = breaker
        self.durations = Apart(lambda: RecentValues(clock, 300.0))
        """How long its searches took, in seconds."""
        self.latency_ms: float | None = None
        """Of the last heartbeat that it answered."""
        self.error = ""
        """Why the last call failed; empty when it did not."""
        self.silent = False
        """Whether the last call got no reply in time: the server may be up, the network is not."""

    @property
    def name(self) -> str:
        """The engine's name in settings."""
        return self._engine.name

    @property
    def up(self) -> bool:
        """Return whether calls are let through."""
        return self.breaker.state is BreakerState.CLOSED

    def search(self, work: Callable[[VectorEngine], T]) -> T:
        """Let the engine do a search, and note how long it takes; raises as `call` does.

        A failed search is tried again while its deadline allows it: a connection that the
        server has closed meanwhile fails at once, and a new one works.
        """
        if self.breaker.refuses:
            return self.call(work)  # It raises at once: words answer without a pause.
        started = self._machine.monotonic()
        found = retry_within(
            lambda: self.call(work), EngineUnavailable, self._machine, self._search_seconds
        )
        self.durations.now.add(self._machine.monotonic() - started)
        return found

    def call(self, work: Callable[[VectorEngine], T]) -> T:
        """Let the engine do the work.

        Raises:
            EngineUnavailable: It failed, or its breaker is open and it was not asked.
        """
        if not self.breaker.allow():
            raise EngineUnavailable(f"{self.name} is down: {self.error}")
        try:
            done = work(self._engine)
        except EngineUnavailable as error:
            self.breaker.record_failure()
            self.error = error.message
            self.silent = _timed_out(error)
            _log.warning(
                "engine failed",
                extra={
                    "engine": self.name,
                    "error": error.message,
                    "error_type": type(error.__cause__ or error).__name__,
                    "breaker": self.breaker.state.value,
                },
            )
            raise
        self.breaker.record_success()
        self.error, self.silent = "", False
        return done

    def heartbeat(self) -> bool:
        """Ask whether it is there, when the breaker lets a probe through; return whether it is."""
        started = self._machine.monotonic()
        try:
            self.call(lambda engine: engine.ping())
        except EngineUnavailable:
            self.latency_ms = None
            return False
        self.latency_ms = round((self._machine.monotonic() - started) * 1000, 3)
        return True

    def replace(self, engine: VectorEngine) -> VectorEngine:
        """Use this engine from now on; return the former one."""
        former, self._engine = self._engine, engine
        return former

    def close(self) -> None:
        """Release the connections."""
        self._engine.close()


def _timed_out(error: BaseException) -> bool:
    """Return whether a client library gave up waiting; each has its own kind of timeout error."""
    causes: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in causes:
        causes.append(at)
        at = at.__cause__ or at.__context__
    return any(
        isinstance(cause, TimeoutError) or "Timeout" in type(cause).__name__ for cause in causes
    )
