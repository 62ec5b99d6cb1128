"""Background threads that survive unexpected errors and tell when they last succeeded."""

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
"""The interval of a worker: one item may take so long."""


class Finished(Exception):
    """Raised by a task's work when there is nothing left to do: the thread ends, and the task is not late."""


class Rounds:
    """Counts the rounds of a task, and keeps an unexpected error from ending its thread."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self._clock = clock
        self._failures = 0
        self._started_at: datetime | None = None
        self._last_success: datetime | None = None

    def run(self, work: Callable[[], object]) -> bool:
        """Do one round; return whether it succeeded.

        Raises:
            Finished: The work says that there is nothing left to do.
        """
        try:
            work()
        except Finished:
            self.succeeded()
            raise
        except Exception:  # noqa: BLE001 - the edge of a thread: one failed round must not end all later ones.
            self._failures += 1
            _log.exception("background task failed", extra={"task": self.name})
            return False
        self.succeeded()
        return True

    def succeeded(self) -> None:
        """Stamp a success."""
        self._last_success = self._clock.now()

    def started(self) -> None:
        """Stamp the start: from now on the task can be late."""
        self._started_at = self._clock.now()

    def ended(self) -> None:
        """Note the end: the task is not late any more."""
        self._started_at = None

    def state(self, interval_seconds: float) -> TaskState:
        """Return what the task says about itself now."""
        return TaskState(
            self.name, interval_seconds, self._failures, self._started_at, self._last_success
        )


class PeriodicTask:
    """Does something again and again in a thread of its own, until `close`.

    Args:
        name: Of the thread, in logs and in metrics.
        work: One round; an unexpected error is logged and counted, and the next round comes as usual.
        interval: Seconds between two rounds, asked before each pause.
        clock: Whose seconds they are.
        at_once: Whether the first round comes at the start, or after the first pause.
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
        self._rounds = Rounds(name, clock)
        self._work = work
        self._interval = interval
        self._clock = clock
        self._at_once = at_once
        self._thread: threading.Thread | None = None
        self.stopping = threading.Event()
        """Set by `close`; long work looks at it."""

    @property
    def state(self) -> TaskState:
        """Return what the task says about itself now."""
        return self._rounds.state(self._pause())

    def run_once(self) -> bool:
        """Do one round now, in the caller's thread; return whether it succeeded."""
        return self._rounds.run(self._work)

    def start(self) -> None:
        """Begin."""
        self._rounds.started()
        self._thread = threading.Thread(target=self._loop, name=self._rounds.name, daemon=True)
        self._thread.start()

    def close(self, timeout: float | None = 30.0) -> None:
        """Stop after the round that is under way, and wait for it so long. May be called twice."""
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
                self.run_once()
                self._clock.wait(self.stopping, self._pause())
        except Finished:
            return
        finally:
            self._rounds.ended()


class Worker(Generic[T]):
    """Works on items of a bounded queue in a thread of its own, one after another, until `close`.

    Args:
        name: Of the thread, in logs and in metrics.
        work: Takes one item; an unexpected error is logged and counted, and the next item is taken.
        clock: Stamps the successes.
        capacity: How many items may wait.
    """

    def __init__(
        self, name: str, work: Callable[[T], object], clock: Clock, capacity: int = 100
    ) -> None:
        self._rounds = Rounds(name, clock)
        self._work = work
        self._waiting: queue.Queue[T | None] = queue.Queue(capacity + 1)
        self._capacity = capacity
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._failed_last = False

    @property
    def state(self) -> TaskState:
        """Return what the worker says about itself now; while it waits and its last item went well, it succeeds."""
        if self._waiting.empty() and not self._failed_last and self._alive():
            self._rounds.succeeded()
        return self._rounds.state(_ITEM_SECONDS)

    def put(self, item: T) -> bool:
        """Let an item wait; return False when too many do."""
        if self._waiting.qsize() >= self._capacity:
            return False
        try:
            self._waiting.put_nowait(item)
        except queue.Full:
            return False
        return True

    def run_waiting(self) -> int:
        """Work on everything that waits, in the caller's thread; return how many items it was."""
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
        """Begin."""
        self._rounds.started()
        self._thread = threading.Thread(target=self._loop, name=self._rounds.name, daemon=True)
        self._thread.start()

    def close(self, timeout: float | None = 30.0) -> None:
        """Stop after the item at hand, and wait for it so long; what waits is dropped. May be called twice."""
        self._stop.set()
        try:
            self._waiting.put_nowait(None)  # Wakes the thread.
        except queue.Full:
            _log.debug("the worker has items, so it needs no waking")
        if self._thread is not None:
            self._thread.join(timeout=timeout)

    def _alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _take(self, item: T) -> None:
        self._failed_last = not self._rounds.run(lambda: self._work(item))

    def _loop(self) -> None:
        try:
            while not self._stop.is_set():
                item = self._waiting.get()
                if item is not None and not self._stop.is_set():
                    self._take(item)
        finally:
            self._rounds.ended()


def background_signals(tasks: Callable[[], Iterable[Task]], clock: Clock) -> tuple[Signal, ...]:
    """Return the signals of the background tasks.

    Args:
        tasks: Those that there are now.
        clock: Tells their age.
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
            "Time since a running background task last succeeded, or since its start before the first success.",
            ages,
            ("task",),
            "background_last_success_seconds",
        ),
        Signal(
            "background.late",
            "1",
            "1 when a running background task has not succeeded for three of its intervals and a minute.",
            late,
            ("task",),
            "background_late",
        ),
        Signal(
            "background.failures",
            "1",
            "Rounds of a background task that ended in an unexpected error, since the start.",
            failures,
            ("task",),
            "background_failures_total",
            counter=True,
        ),
    )
