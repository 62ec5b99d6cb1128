"""Two threads: one that beats, one that drains the queue whenever it is woken."""

import logging
import threading
from collections.abc import Callable

from trimtab.kernel.clock import Clock

_log = logging.getLogger(__name__)


class Background:
    """Runs ``beat`` every few seconds and ``drain`` after each `wake`, until `stop`."""

    def __init__(
        self,
        clock: Clock,
        seconds: float,
        beat: Callable[[], object],
        drain: Callable[[], object],
    ) -> None:
        self._clock = clock
        self._seconds = seconds
        self._beat = beat
        self._drain = drain
        self._wake = threading.Event()
        self._threads: list[threading.Thread] = []
        self.stopping = threading.Event()
        """Set by `stop`; long work looks at it."""

    def start(self) -> None:
        """Begin, with the queue."""
        for name, work in (("heartbeat", self._beat_on), ("queue", self._drain_on)):
            thread = threading.Thread(target=work, name=f"knowledge-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)
        self.wake()

    def wake(self) -> None:
        """Let the queue be drained now."""
        self._wake.set()

    def stop(self) -> None:
        """End both threads and wait for them. May be called twice."""
        self.stopping.set()
        self._wake.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _beat_on(self) -> None:
        while not self._clock.wait(self.stopping, self._seconds):
            _guarded("heartbeat", self._beat)

    def _drain_on(self) -> None:
        while not self.stopping.is_set():
            self._wake.wait()
            self._wake.clear()
            _guarded("queue", self._drain)


def _guarded(what: str, work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:  # noqa: BLE001 - the edge of a thread: one failed round must not end all later ones.
        _log.exception("knowledge background work failed", extra={"work": what})
