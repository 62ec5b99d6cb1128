"""Durable jobs whose engine opens in the background after the start.

The engine takes longer to import than all other modules of the service. Questions and searches do
not need it, so the service answers at once, and only calls that use a job wait for the engine.
"""

import logging
import threading
from collections.abc import Callable, Mapping

# The engine imports it in its thread. A statement of another thread would find the partly
# initialized module and fail, so it is imported before there are two threads.
import sqlalchemy.orm  # noqa: F401

from trimtab.infra.jobs.pausing import JobPause
from trimtab.infra.jobs.port import Body, Jobs, JobStatus, JobUnknown, Json
from trimtab.kernel.errors import Unavailable
from trimtab.kernel.health import ComponentHealth, Status

_log = logging.getLogger(__name__)
_OPEN_SECONDS = 60.0
"""Maximum wait for the engine, in real seconds."""


class JobsNotOpen(Unavailable):
    """The engine of the durable jobs did not open."""

    code = "jobs.not_open"
    default_hint = (
        "Check the component `jobs` of `/health`; `jobs.db` in the data directory holds the jobs."
    )


class OpeningJobs:
    """Stores registrations and opens the engine in its own thread at `launch`.

    Args:
        make: Imports the engine and returns it, not yet launched.
        never_paused: Kinds of jobs that `pause` does not hold.
    """

    def __init__(
        self, make: Callable[[], Jobs], never_paused: frozenset[str] = frozenset()
    ) -> None:
        self.pause = JobPause(never_paused)
        """Holds jobs before their next step."""
        self._make = make
        self._bodies: dict[str, Body] = {}
        self._schedules: list[tuple[str, str, str, Mapping[str, Json]]] = []
        self._opened = threading.Event()
        self._engine: Jobs | None = None
        self._error = ""
        self._thread: threading.Thread | None = None

    def register(self, kind: str, body: Body) -> None:
        """Register the body of a kind of job, before `launch`."""
        if kind in self._bodies:
            raise ValueError(f"job kind {kind!r} is registered twice")
        self._bodies[kind] = self.pause.wrap(kind, body)

    def schedule(self, name: str, cron: str, kind: str, argument: Mapping[str, Json]) -> None:
        """Schedule jobs of a kind with a cron expression (UTC), before `launch`."""
        self._schedules.append((name, cron, kind, argument))

    def launch(self, then: Callable[[], None] = lambda: None) -> None:
        """Start opening the engine in its thread; return at once.

        Args:
            then: Called in that thread when the engine is open.
        """
        self._thread = threading.Thread(target=self._open, args=(then,), name="jobs", daemon=True)
        self._thread.start()

    def start(self, kind: str, job_id: str, argument: Mapping[str, Json]) -> None:
        """Start a job; does nothing if the id was used before."""
        if kind not in self._bodies:
            raise JobUnknown(f"No job kind is named {kind!r}.")
        self._jobs().start(kind, job_id, argument)

    def send(self, job_id: str, topic: str, message: Json, *, idempotency_key: str = "") -> None:
        """Send a message to a job."""
        self._jobs().send(job_id, topic, message, idempotency_key=idempotency_key)

    def status(self, job_id: str) -> JobStatus:
        """Return the status of a job."""
        return self._jobs().status(job_id)

    def wait(self, job_id: str) -> Json:
        """Wait until the job ends; return its result or raise its error."""
        return self._jobs().wait(job_id)

    def recover(self, executor: str) -> int:
        """Let any live process continue the jobs of a lost one; return how many there were."""
        return self._jobs().recover(executor)

    def close(self) -> None:
        """Stop the engine; unfinished jobs continue at the next launch."""
        self.pause.end()
        if self._thread is not None:
            self._thread.join()
        if self._engine is not None:
            self._engine.close()

    def health(self) -> ComponentHealth:
        """Return DOWN when the engine failed to open, else UP, also while it opens."""
        if self._error:
            return ComponentHealth(Status.DOWN, self._error)
        return ComponentHealth(Status.UP, facts={"open": self._opened.is_set()})

    def _open(self, then: Callable[[], None]) -> None:
        try:
            self._engine = self._make()
            for kind, body in self._bodies.items():
                self._engine.register(kind, body)
            for schedule in self._schedules:
                self._engine.schedule(*schedule)
            self._engine.launch()
            self._opened.set()
            then()
        # No caller waits for this thread: health and the log report it.
        except Exception as error:  # noqa: BLE001
            self._error = f"The durable jobs did not open: {type(error).__name__}: {error}"
            _log.exception("durable jobs did not open")
            self._opened.set()

    def _jobs(self) -> Jobs:
        if self._thread is None:
            raise JobsNotOpen("No jobs run in this process.", hint="Start the service.")
        if not self._opened.wait(_OPEN_SECONDS):
            raise JobsNotOpen(f"The durable jobs have not opened within {_OPEN_SECONDS:.0f} s.")
        if self._error or self._engine is None:
            raise JobsNotOpen(self._error)
        return self._engine
