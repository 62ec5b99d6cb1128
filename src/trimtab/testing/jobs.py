"""In-memory durable jobs for tests, and the contract suite of every `Jobs`."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from trimtab.infra.jobs import Body, Jobs, JobState, JobStatus, JobUnknown, Json
from trimtab.testing.clock import FakeClock

_MAX_OPERATIONS = 2_000


class JobDoesNotEnd(AssertionError):
    """A job ran far longer than any test needs: what the test waits for does not come."""


class _Parked(BaseException):
    """Leaves a body in the middle, as a crash would; the next run replays it."""


@dataclass
class _Job:
    kind: str
    argument: Mapping[str, Json]
    state: JobState = JobState.RUNNING
    result: Json = None
    error: Exception | None = None
    recorded: list[tuple[str, Json]] = field(default_factory=list)
    inbox: defaultdict[str, deque[Json]] = field(default_factory=lambda: defaultdict(deque))


class FakeJobs:
    """Jobs that run when `run` is called. Waiting lets the fake clock jump, so hours pass at once.

    Args:
        clock: Advanced by waits.
        while_waiting: Called with the topic at each wait, before time passes; the test lets the
            world move there.
    """

    def __init__(
        self, clock: FakeClock, while_waiting: Callable[[str], None] | None = None
    ) -> None:
        self._clock = clock
        self.while_waiting = while_waiting or (lambda _topic: None)
        self._bodies: dict[str, Body] = {}
        self._jobs: dict[str, _Job] = {}

    def register(self, kind: str, body: Body) -> None:
        """Name a body."""
        self._bodies[kind] = body

    def schedule(self, name: str, cron: str, kind: str, argument: Mapping[str, Json]) -> None:
        """Accept the schedule; nothing runs by itself here."""

    def launch(self) -> None:
        """Do nothing: `run` works."""

    def start(self, kind: str, job_id: str, argument: Mapping[str, Json]) -> None:
        """Queue a job; a known id changes nothing."""
        if kind not in self._bodies:
            raise JobUnknown(f"No job kind is named {kind!r}.")
        self._jobs.setdefault(job_id, _Job(kind, dict(argument)))

    def send(self, job_id: str, topic: str, message: Json, *, idempotency_key: str = "") -> None:
        """Leave a message."""
        del idempotency_key
        self._find(job_id).inbox[topic].append(message)

    def recover(self, executor: str) -> int:
        """Return 0: no other process has jobs here."""
        del executor
        return 0

    def status(self, job_id: str) -> JobStatus:
        """Return where the job stands."""
        job = self._find(job_id)
        return JobStatus(job_id, job.kind, job.state, str(job.error or ""))

    def wait(self, job_id: str) -> Json:
        """Run everything; return the job's result or raise its error."""
        job = self._find(job_id)
        self.run()
        if job.error is not None:
            raise job.error
        return job.result

    def close(self) -> None:
        """Keep everything: a closed fake can continue."""

    def run(self, until: Callable[[], bool] | None = None) -> None:
        """Run all jobs to their end, or leave them at the first wait at which ``until`` is true.

        A job that is left is replayed from its records at the next run.

        Raises:
            JobDoesNotEnd: A job neither ended nor was left after 2,000 operations.
        """
        for job_id in list(self._jobs):
            job = self._jobs[job_id]
            if job.state is not JobState.RUNNING:
                continue
            run = _Run(job_id, job, self._clock, self.while_waiting, until or (lambda: False))
            try:
                job.result = self._bodies[job.kind](run, job.argument)
                job.state = JobState.DONE
            except _Parked:
                continue
            except JobDoesNotEnd:
                raise
            except Exception as error:  # noqa: BLE001 - a job's failure is its state.
                job.error, job.state = error, JobState.FAILED

    def _find(self, job_id: str) -> _Job:
        if job_id not in self._jobs:
            raise JobUnknown(f"There is no job {job_id!r}.")
        return self._jobs[job_id]


class _Run:
    def __init__(
        self,
        job_id: str,
        job: _Job,
        clock: FakeClock,
        while_waiting: Callable[[str], None],
        until: Callable[[], bool],
    ) -> None:
        self.job_id = job_id
        self._job = job
        self._clock = clock
        self._while_waiting = while_waiting
        self._until = until
        self._position = 0

    def step(self, name: str, do: Callable[[], Json]) -> Json:
        return self._run_recorded(name, do)

    def wait_for(self, topic: str, timeout_seconds: float) -> Json:
        return self._run_recorded(f"wait {topic}", lambda: self._wait(topic, timeout_seconds))

    def sleep(self, seconds: float) -> None:
        self._run_recorded("sleep", lambda: self._wait("", seconds))

    def _wait(self, topic: str, seconds: float) -> Json:
        if self._until():
            raise _Parked
        self._while_waiting(topic)
        if topic and self._job.inbox[topic]:
            return self._job.inbox[topic].popleft()
        self._clock.advance(seconds)
        return None

    def _run_recorded(self, name: str, do: Callable[[], Json]) -> Json:
        if self._position < len(self._job.recorded):
            recorded_name, result = self._job.recorded[self._position]
            if recorded_name != name:
                raise AssertionError(
                    f"replay came to {name!r} where {recorded_name!r} was recorded"
                )
        else:
            result = do()
            self._job.recorded.append((name, result))
        self._position += 1
        if self._position > _MAX_OPERATIONS:
            raise JobDoesNotEnd("the job does not end, or what the test waits for does not come")
        return result


class JobsContract:
    """Contract suite of `Jobs`: derive a class with a ``jobs`` fixture, not launched."""

    def test_steps_run_in_order_and_the_result_comes_back(self, jobs: Jobs) -> None:
        """A body's result is the job's result."""
        jobs.register("add", lambda run, given: [run.step("one", lambda: given["x"]), "end"])
        jobs.launch()
        jobs.start("add", "job-1", {"x": 7})
        assert jobs.wait("job-1") == [7, "end"]
        assert jobs.status("job-1").state is JobState.DONE

    def test_starting_the_same_id_twice_runs_once(self, jobs: Jobs) -> None:
        """Starting is idempotent."""
        ran: list[Json] = []
        jobs.register("note", lambda run, given: run.step("note", lambda: ran.append(1)))
        jobs.launch()
        for _ in range(2):
            jobs.start("note", "job-2", {})
        jobs.wait("job-2")
        assert ran == [1]

    def test_a_message_reaches_the_waiting_job(self, jobs: Jobs) -> None:
        """A message is kept until it is read."""
        jobs.register("listen", lambda run, _given: run.wait_for("ear", 30))
        jobs.launch()
        jobs.start("listen", "job-3", {})
        jobs.send("job-3", "ear", {"said": "hello"})
        assert jobs.wait("job-3") == {"said": "hello"}

    def test_waiting_ends_with_none_after_its_time(self, jobs: Jobs) -> None:
        """No message is None."""
        jobs.register("listen", lambda run, _given: run.wait_for("ear", 0.01))
        jobs.launch()
        jobs.start("listen", "job-4", {})
        assert jobs.wait("job-4") is None

    def test_a_failing_body_fails_its_job(self, jobs: Jobs) -> None:
        """The error comes back to who waits."""

        def fail(_run: object, _given: Mapping[str, Json]) -> Json:
            raise ValueError("no")

        jobs.register("fail", fail)
        jobs.launch()
        jobs.start("fail", "job-5", {})
        with pytest.raises(ValueError, match="no"):
            jobs.wait("job-5")
        assert jobs.status("job-5").state is JobState.FAILED

    def test_what_does_not_exist_is_refused(self, jobs: Jobs) -> None:
        """Unknown kinds and ids are errors."""
        jobs.launch()
        with pytest.raises(JobUnknown):
            jobs.start("nothing", "job-6", {})
        with pytest.raises(JobUnknown):
            jobs.send("nobody", "ear", 1)
        with pytest.raises(JobUnknown):
            jobs.status("nobody")
