"""The interface that domains use; `durable.DurableJobs` implements it on DBOS."""

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
    """Where a job stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job as its store knows it."""

    job_id: str
    kind: str
    state: JobState
    error: str = ""


class JobRun(Protocol):
    """What a body is given to do durable things with. Only for use inside the body, never inside a step."""

    @property
    def job_id(self) -> str:
        """The job's id."""
        ...

    def step(self, name: str, do: Callable[[], Json]) -> Json:
        """Run ``do`` once and record its result; after a crash return the recorded result instead.

        Steps must come in the same order at each run of the body: decide only from the argument and from
        recorded results. An exception of ``do`` is recorded too and raised again at replay.
        """
        ...

    def wait_for(self, topic: str, timeout_seconds: float) -> Json:
        """Wait durably for a message; return None after that many seconds of the service's clock."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait durably; what was already slept before a crash counts."""
        ...


Body = Callable[[JobRun, Mapping[str, Json]], Json]


class Jobs(Protocol):
    """Starts, feeds and watches durable jobs."""

    def register(self, kind: str, body: Body) -> None:
        """Name a body. All bodies are registered before `launch`; kinds must stay stable over releases."""
        ...

    def schedule(self, name: str, cron: str, kind: str, argument: Mapping[str, Json]) -> None:
        """Start a job of that kind at each tick of the five-field cron expression (UTC). Before `launch`."""
        ...

    def launch(self) -> None:
        """Begin work and resume every job that a crash interrupted."""
        ...

    def start(self, kind: str, job_id: str, argument: Mapping[str, Json]) -> None:
        """Start a job. When the id was used before nothing happens: starting is idempotent."""
        ...

    def send(self, job_id: str, topic: str, message: Json, *, idempotency_key: str = "") -> None:
        """Leave a message for the job's `JobRun.wait_for`; it is kept until it is read.

        Raises:
            JobUnknown: No job has that id.
        """
        ...

    def status(self, job_id: str) -> JobStatus:
        """Return where the job stands, or raise `JobUnknown`."""
        ...

    def wait(self, job_id: str) -> Json:
        """Block until the job has ended; return its result or raise its error."""
        ...

    def close(self) -> None:
        """Stop working. Unfinished jobs go on at the next `launch`."""
        ...
