"""Deadlines for pipeline stages: calls in a shared thread pool, with a limit on those under way.

Python cannot stop a thread. A call that is given up runs on until its own timeout; the limit keeps
such calls from piling up.
"""

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TypeVar

from trimtab.kernel.errors import DeadlineExceeded

_T = TypeVar("_T")


class Deadlines:
    """Runs calls in a pool of threads that all stages share.

    Args:
        max_running: Maximum number of calls under way, those given up included.
    """

    def __init__(self, max_running: int = 64) -> None:
        self._pool = ThreadPoolExecutor(max_running, "deadline")
        self._slots = threading.BoundedSemaphore(max_running)

    def submit(self, stage: str, call: Callable[[], _T]) -> Future[_T]:
        """Start the call in the context of the caller.

        Raises:
            DeadlineExceeded: Too many calls are under way.
        """
        if not self._slots.acquire(blocking=False):
            raise DeadlineExceeded(f"Too many {stage} calls are under way.")
        future = self._pool.submit(contextvars.copy_context().run, call)
        future.add_done_callback(self._release)
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
        """Start no further calls."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _release(self, _: Future[_T]) -> None:
        self._slots.release()


def late(stage: str, seconds: float) -> DeadlineExceeded:
    """Return the error of a stage that took too long."""
    return DeadlineExceeded(f"The {stage} stage took longer than {seconds:g} s.")
