"""Queue of one version's requests, whose thread takes many of them with one wake-up."""

import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

from trimtab.models.serving.records import PendingRequest

_FOREVER = -1.0


class QueuedRequest(NamedTuple):
    """A request, the stage at which it came, and the alias under which it is served."""

    pending: PendingRequest
    stage: int
    alias: str


class RequestQueue:
    """Requests in the order in which they came. Many threads put, one takes.

    A thread that is woken for each request takes the interpreter lock from the event loop each
    time, which costs more than the prediction. So the taker sleeps until as many requests wait as
    there were clients during the last batch, but no longer than that batch took: where the disk or
    the processor is slow, requests come later too, and a batch of few costs as much as one of many.

    Args:
        wait_seconds: The longest wait for further requests once there is one.
        max_rows: Rows of all requests of a batch; one request alone may have more.
        machine_seconds: Measures a batch, in real seconds.
    """

    def __init__(
        self,
        wait_seconds: float,
        max_rows: int,
        machine_seconds: Callable[[], float] = monotonic,
    ) -> None:
        self._wait_seconds = wait_seconds
        self._max_rows = max_rows
        self._items: deque[QueuedRequest] = deque()
        self._lock = threading.Lock()
        self._wake = threading.Lock()
        """Held while the taker is awake; released once for each of its sleeps."""
        self._wake.acquire()
        self._needed = 0
        """Number of requests that wakes the taker; 0 while it does not sleep."""
        self._clients = 1
        """How many requests may come: who was answered last, and who waited meanwhile."""
        self._machine_seconds = machine_seconds
        self._taken_at = machine_seconds()
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: QueuedRequest) -> bool:
        """Add a request; return False when the queue is closed."""
        with self._lock:
            if self._closed:
                return False
            self._items.append(item)
            if 0 < self._needed <= len(self._items):
                self._rouse()
            return True

    def close(self) -> None:
        """Take no more requests; those that wait are still taken."""
        with self._lock:
            self._closed = True
            self._rouse()

    def take(self) -> list[QueuedRequest]:
        """Wait for requests and return a batch; an empty one when the queue is closed and empty."""
        took = self._machine_seconds() - self._taken_at
        self._sleep(1, _FOREVER)
        if self._clients > 1:
            self._sleep(self._clients, min(self._wait_seconds, took))
        batch: list[QueuedRequest] = []
        rows = 0
        with self._lock:
            while self._items and (not batch or rows < self._max_rows):
                item = self._items.popleft()
                batch.append(item)
                rows += len(item.pending.rows)
        self._clients = len(batch)
        self._taken_at = self._machine_seconds()
        return batch

    def before_answers(self) -> None:
        """Count who waits before the taken batch is answered; later its clients may be back."""
        self._clients += len(self._items)

    def _sleep(self, needed: int, seconds: float) -> None:
        with self._lock:
            if self._closed or len(self._items) >= needed:
                return
            self._needed = needed
        if not self._wake.acquire(timeout=seconds):
            with self._lock:
                is_roused = not self._needed
                self._needed = 0
            if is_roused:
                # It came between the end of the wait and the lock: it must not wake the next one.
                self._wake.acquire()

    def _rouse(self) -> None:
        if self._needed:
            self._needed = 0
            self._wake.release()
