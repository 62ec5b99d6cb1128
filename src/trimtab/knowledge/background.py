"""The heartbeat of knowledge, and the queue that is drained whenever it is woken."""

from collections.abc import Callable

from trimtab.infra.background import PeriodicTask, Worker
from trimtab.kernel.clock import Clock


class BackgroundTasks:
    """Runs ``beat`` every few seconds and ``drain`` after each `wake`, until `stop`."""

    def __init__(
        self,
        clock: Clock,
        seconds: float,
        beat: Callable[[], object],
        drain: Callable[[], object],
    ) -> None:
        self._heartbeat = PeriodicTask("knowledge-heartbeat", beat, seconds, clock, at_once=False)
        self._queue = Worker[str]("knowledge-queue", lambda _: drain(), clock, capacity=1)
        self.tasks = (self._heartbeat, self._queue)
        self.stopping = self._heartbeat.stopping
        """Set by `stop`; long work looks at it."""

    def start(self) -> None:
        """Begin, with the queue."""
        self._heartbeat.start()
        self._queue.start()
        self.wake()

    def wake(self) -> None:
        """Let the queue be drained now; one that waits to be drained already is drained once."""
        self._queue.put("wake")

    def stop(self) -> None:
        """End both threads and wait for them. May be called twice."""
        self.stopping.set()
        self._queue.close(timeout=None)
        self._heartbeat.close(timeout=None)
