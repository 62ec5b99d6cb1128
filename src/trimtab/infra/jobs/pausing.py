"""Pauses durable jobs between two of their steps, while maintenance mode is on."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trimtab.infra.jobs.port import Body, JobRun, Json

_LOOK_SECONDS = 0.5


class JobPause:
    """Holds jobs before their next step while a condition holds.

    Args:
        without: Kinds of jobs that are never held.
    """

    def __init__(self, without: frozenset[str]) -> None:
        self._without = without
        self._paused: Callable[[], bool] = lambda: False
        self._ending = threading.Event()

    def when(self, paused: Callable[[], bool]) -> None:
        """Pause while the function returns True."""
        self._paused = paused

    def end(self) -> None:
        """Hold no job any more, because the process ends."""
        self._ending.set()

    def wait(self) -> None:
        """Return when no pause is on, or the process ends."""
        while self._paused() and not self._ending.wait(_LOOK_SECONDS):
            pass

    def wrap(self, kind: str, body: Body) -> Body:
        """Return the body of a kind, which pauses before each of its steps."""
        if kind in self._without:
            return body

        def pausing(run: JobRun, argument: Mapping[str, Json]) -> Json:
            return body(_PausingRun(run, self), argument)

        return pausing


@dataclass(frozen=True, slots=True)
class _PausingRun:
    """A run whose steps wait for the end of the pause."""

    run: JobRun
    pause: JobPause

    @property
    def job_id(self) -> str:
        """The id of the job."""
        return self.run.job_id

    def step(self, name: str, do: Callable[[], Json]) -> Json:
        """Run a step when no pause is on; a recorded step is not held."""

        def run_unpaused() -> Json:
            self.pause.wait()
            return do()

        return self.run.step(name, run_unpaused)

    def wait_for(self, topic: str, timeout_seconds: float) -> Json:
        """Wait durably for a message."""
        return self.run.wait_for(topic, timeout_seconds)

    def sleep(self, seconds: float) -> None:
        """Sleep durably, also over a restart."""
        self.run.sleep(seconds)
