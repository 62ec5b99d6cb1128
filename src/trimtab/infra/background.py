"""Background threads that survive unexpected errors and report their last success."""

import logging
import queue
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Generic, TypeVar

from trimtab.kernel.clock import Clock
from trimtab.kernel.operable import Sample, Signal
from trimtab.kernel.tasks import Task, TaskState

T = TypeVar("T")
_log = logging.getLogger(__name__)
_ITEM_SECONDS = 600.0
"""The interval of a worker, in seconds: the longest time for one item."""


class TaskFinished(Exception):
    """Raised by a task that has nothing left to do; its thread ends."""


class TaskRunner:
    """Runs a task's work, counts failures and keeps its thread alive."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self._clock = clock
        self._failures = 0
        self._started_at: datetime | None = None
        self._last_success: datetime | None = None

    def run(self, work: Callable[[], object]) -> bool:
        """Run the work once; return whether it succeeded.

        Raises:
            TaskFinished: The work has nothing left to do.
        """
        try:
            work()
        except TaskFinished:
            self.record_success()
            raise
        # The edge of a thread: one failed run must not end all later ones.
        except Exception:  # noqa: BLE001
            self._failures += 1
            _log.exception("background task failed", extra={"task": self.name})
            return False
        self.record_success()
        return True

    def record_success(self) -> None:
        """Record the time of a success."""
        self._last_success = self._clock.now()

    def record_start(self) -> None:
        """Record the start; from now on the task can be late."""
        self._started_at = self._clock.now()

    def record_end(self) -> None:
        """Record the end; the task cannot be late any more."""
        self._started_at = None

    def state(self, interval_seconds: float) -> TaskState:
        """Return the current state of the task."""
        return TaskState(
            self.name, interval_seconds, self._failures, self._started_at, self._last_success
        )


class PeriodicTask:
    """Runs work periodically in its own thread until `close`.

    Args:
        name: The name of the thread, in logs and in metrics.
        work: Runs once per interval; an unexpected error is logged and counted, and the next run
            comes as usual.
        interval: Seconds between two runs, or a function called before each pause.
        clock: Measures the interval.
        at_once: Whether the first run comes at the start, or after the first pause.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], object],
        interval: float | Callable[[], float],
        clock: Clock,
        *,
        at_once: bool = True,
    ) -> None:
        self._runner = TaskRunner(name, clock)
        self._work = work
        self._interval = interval
        self._clock = clock
        self._at_once = at_once
        self._condition: Callable[[], bool] = lambda: True
        self._thread: threading.Thread | None = None
        self.stopping = threading.Event()
        """Set by `close`; long work checks it."""

    @property
    def state(self) -> TaskState:
        """Return the current state of the task."""
        return self._runner.state(self._pause())

    @property
    def name(self) -> str:
        """The name of the thread, in logs and in metrics."""
        return self._runner.name

    def only_when(self, condition: Callable[[], bool]) -> None:
        """Skip the rounds in which the condition does not hold, such as in a process of many."""
        self._condition = condition

    def run_once(self) -> bool:
        """Run the work now in the caller's thread; return whether it succeeded."""
        return self._runner.run(self._work)

    def start(self) -> None:
        """Start the background thread."""
        self._runner.record_start()
        self._thread = threading.Thread(target=self._loop, name=self._runner.name, daemon=True)
        self._thread.start()

    def close(self, timeout: float | None = 30.0) -> None:
        """Stop after the current run, waiting at most the timeout. May be called twice."""
        self.stopping.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=timeout)

    def _pause(self) -> float:
        return self._interval() if callable(self._interval) else self._interval

    def _loop(self) -> None:
        try:
            if not self._at_once and self._clock.wait(self.stopping, self._pause()):
                return
            while not self.stopping.is_set():
                if self._condition():
                    self.run_once()
                else:
                    self._runner.record_success()
                self._clock.wait(self.stopping, self._pause())
        except TaskFinished:
            return
        finally:
            self._runner.record_end()


class Worker(Generic[T]):
    """Processes items of a bounded queue in its own thread until `close`.

    Args:
        name: The name of the thread, in logs and in metrics.
        work: Processes one item; an unexpected error is logged and counted, and the next item is
            taken.
        clock: Gives the time of each success.
        capacity: The maximum number of waiting items.
    """

    def __init__(
        self, name: str, work: Callable[[T], object], clock: Clock, capacity: int = 100
    ) -> None:
        self._runner = TaskRunner(name, clock)
        self._work = work
        self._waiting: queue.Queue[T | None] = queue.Queue(capacity + 1)
        self._capacity = capacity
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._failed_last = False

    @property
    def state(self) -> TaskState:
        """Return the current state; an idle worker without a failed last item succeeds now."""
        if self._waiting.empty() and not self._failed_last and self._alive():
            self._runner.record_success()
        return self._runner.state(_ITEM_SECONDS)

    def put(self, item: T) -> bool:
        """Add an item to the queue; return False when it is full."""
        if self._waiting.qsize() >= self._capacity:
            return False
        try:
            self._waiting.put_nowait(item)
        except queue.Full:
            return False
        return True

    def run_waiting(self) -> int:
        """Process all waiting items in the caller's thread; return their number."""
        count = 0
        while True:
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                return count
            if item is not None:
                self._take(item)
                count += 1

    def start(self) -> None:
        """Start the background thread."""
        self._runner.record_start()
        self._thread = threading.Thread(target=self._loop, name=self._runner.name, daemon=True)
        self._thread.start()

    def close(self, timeout: float | None = 30.0) -> None:
        """Stop after the current item and drop waiting ones. May be called twice."""
        self._stop.set()
        try:
            self._waiting.put_nowait(None)  # Wakes the thread.
        except queue.Full:
            _log.debug("the queue is full, so the worker needs no wake-up item")
        if self._thread is not None:
            self._thread.join(timeout=timeout)

    def _alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _take(self, item: T) -> None:
        self._failed_last = not self._runner.run(lambda: self._work(item))

    def _loop(self) -> None:
        try:
            while not self._stop.is_set():
                item = self._waiting.get()
                if item is not None and not self._stop.is_set():
                    self._take(item)
        finally:
            self._runner.record_end()


def background_signals(tasks: Callable[[], Iterable[Task]], clock: Clock) -> tuple[Signal, ...]:
    """Return the signals of the background tasks.

    Args:
        tasks: Returns the current tasks.
        clock: Gives the time for their age.
    """

    def states() -> list[TaskState]:
        return [task.state for task in tasks()]

    def ages() -> Iterable[Sample]:
        now = clock.now()
        return [Sample(s.age_seconds(now), {"task": s.name}) for s in states() if s.started_at]

    def late() -> Iterable[Sample]:
        now = clock.now()
        return [Sample(float(s.late(now)), {"task": s.name}) for s in states()]

    def failures() -> Iterable[Sample]:
        return [Sample(s.failures, {"task": s.name}) for s in states()]

    return (
        Signal(
            "background.last_success",
            "seconds",
            "Time since a background task last succeeded; since its start before that.",
            ages,
            ("task",),
            "background_last_success_seconds",
        ),
        Signal(
            "background.late",
            "1",
            "1 when a background task has not succeeded for three of its intervals and a minute.",
            late,
            ("task",),
            "background_late",
        ),
        Signal(
            "background.failures",
            "1",
            "Runs of a background task that ended in an unexpected error, since the start.",
            failures,
            ("task",),
            "background_failures_total",
            counter=True,
        ),
    )
