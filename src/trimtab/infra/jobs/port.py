"""Interface of durable jobs for the domains; `durable.DurableJobs` implements it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from trimtab.kernel.errors import NotFound

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class JobUnknown(NotFound):
    """No job has that id, or no body is registered under that kind."""

    code = "jobs.unknown"


class JobState(StrEnum):
    """State of a job: running, done, failed or cancelled."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class JobStatus:
    """The stored status of a job."""

    job_id: str
    kind: str
    state: JobState
    error: str = ""


class JobRun(Protocol):
    """Durable operations for a body; must not be used inside a step."""

    @property
    def job_id(self) -> str:
        """The id of the job."""
        ...

    def step(self, name: str, do: Callable[[], Json]) -> Json:
        """Run ``do`` and record its result; return the recorded result at a replay.

        Steps must run in the same order at each run of the body: decide only from the argument and
        from recorded results. An exception of ``do`` is recorded too and raised again at replay.
        """
        ...

    def wait_for(self, topic: str, timeout_seconds: float) -> Json:
        """Wait durably for a message; return None after the timeout on the service's clock."""
        ...

    def sleep(self, seconds: float) -> None:
        """Sleep durably; time slept before a crash counts."""
        ...


Body = Callable[[JobRun, Mapping[str, Json]], Json]


class Jobs(Protocol):
    """Starts durable jobs, sends them messages and returns their status."""

    def register(self, kind: str, body: Body) -> None:
        """Register a body before `launch`; kinds must be stable across releases."""
        ...

    def schedule(self, name: str, cron: str, kind: str, argument: Mapping[str, Json]) -> None:
        """Schedule jobs with a five-field cron expression (UTC), before `launch`."""
        ...

    def launch(self) -> None:
        """Start the engine and resume every interrupted job."""
        ...

    def start(self, kind: str, job_id: str, argument: Mapping[str, Json]) -> None:
        """Start a job; idempotent: does nothing if the id was used before."""
        ...

    def send(self, job_id: str, topic: str, message: Json, *, idempotency_key: str = "") -> None:
        """Send a message to the job's `JobRun.wait_for`; it is kept until it is read.

        Raises:
            JobUnknown: No job has that id.
        """
        ...

    def status(self, job_id: str) -> JobStatus:
        """Return the status of a job, or raise `JobUnknown`."""
        ...

    def wait(self, job_id: str) -> Json:
        """Wait until the job ends; return its result or raise its error."""
        ...

    def recover(self, executor: str) -> int:
        """Let any live process continue the jobs of a lost one; return how many there were.

        Repeat it until it returns 0.
        """
        ...

    def close(self) -> None:
        """Stop the engine; unfinished jobs continue at the next `launch`."""
        ...
