"""Durable jobs on DBOS: one workflow that dispatches to bodies by kind."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dbos import DBOS, SetWorkflowID
from dbos import error as dbos_error

from trimtab.infra.jobs.port import Body, JobRun, JobState, JobStatus, JobUnknown, Json
from trimtab.infra.jobs.stores import JobStore, PostgresJobStore, SqliteJobStore
from trimtab.kernel.clock import Clock

if TYPE_CHECKING:
    from trimtab.infra.storage.postgresql import PostgresServer

_log = logging.getLogger(__name__)
_WORKFLOW = "trimtab.job"
_SCHEDULED = "trimtab.scheduled"
_STATES = {
    "SUCCESS": JobState.DONE,
    "ERROR": JobState.FAILED,
    "CANCELLED": JobState.CANCELLED,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": JobState.FAILED,
}
# Constant over releases: bodies keep their step order, so every release can resume every job.
_APPLICATION_VERSION = "trimtab-1"
_POLL_SECONDS = 0.25
_LEAVE_SECONDS = 10.0
_GOODBYE = {"trimtab": "closing"}
"""Message that wakes a waiting body when the jobs are closed."""


class _Closing(BaseException):
    """Interrupts a body at `DurableJobs.close`.

    Not an `Exception`, so that neither a body nor DBOS treats it as a failure: nothing is recorded,
    and the job continues from its last recorded step at the next launch.
    """


class _Run:
    """Durable operations inside a running workflow."""

    def __init__(self, job_id: str, clock: Clock, open_jobs: "_OpenJobs") -> None:
        self.job_id = job_id
        self._clock = clock
        self._open = open_jobs

    def step(self, name: str, do: Callable[[], Json]) -> Json:
        self._open.check()
        return DBOS.run_step({"name": name}, do)

    def wait_for(self, topic: str, timeout_seconds: float) -> Json:
        while True:
            with self._open.waiting(self.job_id, topic):
                found = DBOS.recv(topic, timeout_seconds=timeout_seconds / self._clock.rate)
            if found != _GOODBYE:
                return cast("Json", found)
            # An orderly stop sent this message; a replay also reads it, and then starts the wait
            # again.
            self._open.check()

    def sleep(self, seconds: float) -> None:
        self._open.check()
        DBOS.sleep(seconds / self._clock.rate)


class _OpenJobs:
    """Tracks running and waiting bodies, so that closing can end them quickly.

    DBOS does not stop its threads at `destroy`: a waiting body would continue in a closed service
    and prevent the process from ending.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._waits: list[tuple[str, str]] = []
        self._closing = False

    def check(self) -> None:
        """Raise `_Closing` when the jobs are closing."""
        if self._closing:
            raise _Closing

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count a running body."""
        with self._changed:
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    @contextmanager
    def waiting(self, job_id: str, topic: str) -> Iterator[None]:
        """Record the topic that a body waits for."""
        with self._changed:
            self.check()
            self._waits.append((job_id, topic))
        try:
            yield
        finally:
            with self._changed:
                self._waits.remove((job_id, topic))

    def close(self, wake: Callable[[str, str], None]) -> None:
        """Wake waiting bodies; return when all have ended, or after ten seconds."""
        with self._changed:
            self._closing = True
            waits = list(self._waits)
        for job_id, topic in waits:
            wake(job_id, topic)
        with self._changed:
            self._changed.wait_for(lambda: self._running == 0, _LEAVE_SECONDS)


class DurableJobs:
    """Durable jobs stored in a SQLite file or in a PostgreSQL database.

    DBOS is a singleton per process, so only one instance may be open at a time.

    Args:
        store: The SQLite file, created when missing, or the server.
        clock: Waits are in seconds of this clock.
        executor_id: Names this process among those on the same server: the work of a process that
            is gone is found by it.
    """

    def __init__(
        self, store: "Path | PostgresServer", clock: Clock, executor_id: str = "local"
    ) -> None:
        self._clock = clock
        self._bodies: dict[str, Body] = {}
        self._schedules: list[tuple[str, str, str, Mapping[str, Json]]] = []
        self._store: JobStore = (
            SqliteJobStore(store, clock) if isinstance(store, Path) else PostgresJobStore(store)
        )
        self._open = _OpenJobs()
        self._launched = False
        DBOS(
            config={
                "name": "trimtab",
                "system_database_url": self._store.url,
                "system_database_engine": self._store.engine,
                "application_version": _APPLICATION_VERSION,
                "executor_id": executor_id,
                "enable_otlp": False,
                "console_log_level": "ERROR",
                "notification_listener_polling_interval_sec": _POLL_SECONDS,
                "scheduler_polling_interval_sec": 5.0,
            }
        )

        # DBOS installs a handler that writes plain text to standard error; its records belong in
        # the JSON logs.
        logging.getLogger("dbos").handlers.clear()

        # DBOS sets attributes on the functions it wraps, and a bound method allows none.
        def run(kind: str, argument: dict[str, Json]) -> Json:
            return self._run(kind, argument)

        def run_scheduled(_at: datetime, context: dict[str, Any]) -> None:
            self._run(context["kind"], context["argument"])

        self._workflow = DBOS.workflow(name=_WORKFLOW)(run)
        self._scheduled = DBOS.workflow(name=_SCHEDULED)(run_scheduled)

    def register(self, kind: str, body: Body) -> None:
        """Register the body of a kind of job."""
        if kind in self._bodies:
            raise ValueError(f"job kind {kind!r} is registered twice")
        self._bodies[kind] = body

    def schedule(self, name: str, cron: str, kind: str, argument: Mapping[str, Json]) -> None:
        """Schedule jobs of a kind with a cron expression (UTC)."""
        self._schedules.append((name, cron, kind, argument))

    def launch(self) -> None:
        """Start the engine and resume interrupted jobs."""
        with self._store.migrating():
            DBOS.launch()
        self._launched = True
        DBOS.apply_schedules(
            [
                {
                    "schedule_name": name,
                    "workflow_fn": self._scheduled,
                    "schedule": cron,
                    "context": {"kind": kind, "argument": dict(argument)},
                }
                for name, cron, kind, argument in self._schedules
            ]
        )

    def start(self, kind: str, job_id: str, argument: Mapping[str, Json]) -> None:
        """Start a job; does nothing if the id was used before."""
        if kind not in self._bodies:
            raise JobUnknown(f"No job kind is named {kind!r}.")

        def begin() -> None:
            with SetWorkflowID(job_id):
                DBOS.start_workflow(self._workflow, kind, dict(argument))

        if DBOS.workflow_id is None:
            begin()
            return
        # DBOS forbids starting a workflow in a step, because a step may run twice. Starting is
        # idempotent by the job's id here, so a thread without the step's context does it.
        with ThreadPoolExecutor(1) as outside:
            outside.submit(begin).result()

    def send(self, job_id: str, topic: str, message: Json, *, idempotency_key: str = "") -> None:
        """Send a message to a job."""
        try:
            DBOS.send(job_id, message, topic, idempotency_key=idempotency_key or None)
        except dbos_error.DBOSNonExistentWorkflowError:
            raise JobUnknown(f"There is no job {job_id!r}.") from None

    def status(self, job_id: str) -> JobStatus:
        """Return the status of a job."""
        found = DBOS.get_workflow_status(job_id)
        if found is None:
            raise JobUnknown(f"There is no job {job_id!r}.")
        kind = str(found.input["args"][0]) if found.input and found.input["args"] else ""
        error = "" if found.error is None else f"{type(found.error).__name__}: {found.error}"
        return JobStatus(job_id, kind, _STATES.get(found.status, JobState.RUNNING), error)

    def wait(self, job_id: str) -> Json:
        """Wait until the job ends; return its result or raise its error."""
        self.status(job_id)
        return cast("Json", DBOS.retrieve_workflow(job_id).get_result())

    def recover(self, executor: str) -> int:
        """Let any live process continue the jobs of a lost executor; return how many there were.

        Repeat it until it returns 0: a failure in between leaves jobs behind. A job of an executor
        that still lives stops there at its next step.
        """
        found = DBOS.list_workflows(
            executor_id=executor, status="PENDING", load_input=False, load_output=False
        )
        for workflow in found:
            DBOS.resume_workflow(workflow.workflow_id)
        return len(found)

    def close(self) -> None:
        """Stop the engine; unfinished jobs continue at the next launch and repeat their wait."""
        if self._launched:
            self._open.close(lambda job_id, topic: DBOS.send(job_id, _GOODBYE, topic))
        DBOS.destroy(destroy_registry=True)
        self._store.close()

    def _run(self, kind: str, argument: dict[str, Json]) -> Json:
        body = self._bodies.get(kind)
        if body is None:
            raise JobUnknown(f"No job kind is named {kind!r}.")
        run: JobRun = _Run(str(DBOS.workflow_id), self._clock, self._open)
        with self._open.running():
            return body(run, argument)
