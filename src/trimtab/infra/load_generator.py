"""Generates load for drills: threads that repeat a request until stopped."""

import logging
import random
import threading
from collections.abc import Callable

from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.drilling import drill_traffic
from trimtab.kernel.errors import NotFound, TrimtabError

_log = logging.getLogger(__name__)

Request = Callable[[random.Random], object]
"""Sends one request; gets a random generator with a fixed seed for each worker."""


class LoadGenerator:
    """Repeats a request in several threads, counted as drill traffic.

    Args:
        clock: Paces requests with a rate; think time passes on the machine's clock, however fast
            this one runs.
        name: Name of the threads.
    """

    def __init__(self, clock: Clock, name: str = "drill-load") -> None:
        self._clock = clock
        self._machine = machine_clock(clock)
        self._name = name
        self._stop = threading.Event()
        self._workers: list[threading.Thread] = []

    def start(
        self,
        request: Request,
        workers: int = 1,
        *,
        per_second: float | None = None,
        think_seconds: float = 0.2,
    ) -> None:
        """Repeat the request until `stop`.

        Failures are expected: the service counts them. A worker ends when what it asks for does not
        exist any more.

        Args:
            request: What each worker repeats.
            workers: Number of threads.
            per_second: Requests of each worker, as far as they are answered fast enough; None
                sends the next one after a random think time.
            think_seconds: Longest think time.
        """
        self.stop()
        self._stop = stop = threading.Event()
        self._workers = [
            threading.Thread(
                target=self._run,
                args=(request, _rng(number), stop, per_second, think_seconds),
                name=self._name,
                daemon=True,
            )
            for number in range(workers)
        ]
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """Stop after the current requests. May be called twice."""
        self._stop.set()
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.join()

    def _run(
        self,
        request: Request,
        rng: random.Random,
        stop: threading.Event,
        per_second: float | None,
        think_seconds: float,
    ) -> None:
        due = self._clock.monotonic()
        while not stop.is_set():
            try:
                with drill_traffic():
                    request(rng)
            except NotFound:
                return
            except TrimtabError as error:
                _log.debug("a request of the drill failed", extra={"error": error.code})
            if per_second is None:
                self._machine.wait(stop, think_seconds * rng.random())
            else:
                due += 1 / per_second
                self._clock.wait(stop, due - self._clock.monotonic())


def _rng(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - drills repeat exactly.
