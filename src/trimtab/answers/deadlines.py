"""Deadlines for pipeline stages: calls in a shared thread pool, with a limit on those under way.

Python cannot stop a thread. A call that is given up runs on until its own timeout; the limit keeps
such calls from piling up.
"""

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from trimtab.kernel.errors import DeadlineExceeded

_T = TypeVar("_T")


class Deadlines:
    """Runs calls in a pool of threads that all stages share.

    Args:
        max_running: Maximum number of calls under way, those given up included.
    """

    def __init__(self, max_running: int = 64) -> None:
        self._pool = _DaemonPool(max_running)
        self._slots = threading.BoundedSemaphore(max_running)

    def submit(self, stage: str, call: Callable[[], _T]) -> Future[_T]:
        """Start the call in the context of the caller.

        Raises:
            DeadlineExceeded: Too many calls are under way.
        """
        if not self._slots.acquire(blocking=False):
            raise DeadlineExceeded(f"Too many {stage} calls are under way.")
        future = Future[_T]()
        future.add_done_callback(self._release)
        self._pool.submit(future, partial(contextvars.copy_context().run, call))
        return future

    def run(self, stage: str, seconds: float, call: Callable[[], _T]) -> _T:
        """Return what the call returns, or raise what it raises.

        Raises:
            DeadlineExceeded: It took longer, in seconds of the machine, or too many calls are under
                way.
        """
        future = self.submit(stage, call)
        try:
            return future.result(seconds)
        except FutureTimeout as error:
            if future.done():
                raise  # The call's own error: it did not exceed the deadline.
            raise late(stage, seconds) from error

    def close(self) -> None:
        """Let the idle threads end; calls under way are left to finish."""
        self._pool.close()

    def _release(self, _: Future[_T]) -> None:
        self._slots.release()


class _DaemonPool:
    """Thread pool that does not delay the end of the process.

    `ThreadPoolExecutor` waits for its threads at exit, also for a call that never returns.
    """

    def __init__(self, max_threads: int) -> None:
        self._max = max_threads
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._threads = 0

    def submit(self, future: Future[_T], call: Callable[[], _T]) -> None:
        """Run the call in a thread and complete the future with its result or error."""
        self._calls.put((future, call))
        if self._idle.acquire(blocking=False):
            return
        with self._lock:
            if self._threads == self._max:
                return
            self._threads += 1
        threading.Thread(target=self._work, name="deadline", daemon=True).start()

    def close(self) -> None:
        """End each thread after its call."""
        for _ in range(self._threads):
            self._calls.put(None)

    def _work(self) -> None:
        while (item := self._calls.get()) is not None:
            future, call = item
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - raised again by the caller.
                self._idle.release()
                future.set_exception(error)
            else:
                # Idle first: the caller's next call must find this thread, not start another one.
                self._idle.release()
                future.set_result(result)
            del item, future, call


def late(stage: str, seconds: float) -> DeadlineExceeded:
    """Return the error of a stage that took too long."""
    return DeadlineExceeded(f"The {stage} stage took longer than {seconds:g} s.")
