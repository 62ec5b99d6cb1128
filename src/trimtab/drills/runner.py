"""The drills of a running service: each in a thread of its own, ended on request with every fault put back."""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from trimtab.drills.result import DrillResult, DrillWait, Progress
from trimtab.drills.run import DrillSubject, run_drill
from trimtab.kernel.errors import TrimtabError

_log = logging.getLogger(__name__)

DrillMessage = Progress | DrillWait | DrillResult | TrimtabError
"""What a drill tells: its stages, and last its result or why there is none."""


def as_line(said: DrillMessage) -> dict[str, Any]:
    """Return what was told as one JSON object: ``stage``, ``waiting``, ``result`` or ``error``."""
    match said:
        case Progress():
            return {"stage": asdict(said)}
        case DrillWait():
            return {"waiting": asdict(said)}
        case DrillResult():
            return {"result": {**asdict(said), "passed": said.passed}}
        case TrimtabError():
            return {"error": said.as_wire()}


class DrillFailed(TrimtabError):
    """The drill met a mistake in the program; the log has its traceback."""

    code = "drills.failed"


class DrillRunner:
    """Starts drills and ends them.

    Args:
        subject: The service that is drilled.
    """

    def __init__(self, subject: DrillSubject) -> None:
        self._subject = subject
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._running: set[threading.Thread] = set()

    def start(
        self, cause_id: str, timeout_seconds: float, say: Callable[[DrillMessage], None]
    ) -> None:
        """Begin a drill and return; it tells ``say`` how it goes, from its thread.

        Raises:
            RunbookUnknown: There is no such cause.
        """
        self._subject.library.cause(cause_id)
        with self._lock:
            stop = self._stop
            thread = threading.Thread(
                target=self._run, args=(cause_id, timeout_seconds, say, stop), name="drill"
            )
            self._running.add(thread)
            thread.start()

    def follow(self, cause_id: str, timeout_seconds: float) -> Iterator[dict[str, Any]]:
        """Begin a drill, and return what it tells, as lines, up to the last; it goes on when nobody reads.

        Raises:
            RunbookUnknown: There is no such cause.
        """
        said: queue.Queue[DrillMessage] = queue.Queue()
        self.start(cause_id, timeout_seconds, said.put)
        return _lines(said)

    def stop(self) -> None:
        """End every drill, and return as soon as their faults are put back."""
        with self._lock:
            self._stop.set()
            self._stop = threading.Event()
            ending = list(self._running)
        for thread in ending:
            thread.join()

    def _run(
        self,
        cause_id: str,
        timeout_seconds: float,
        say: Callable[[DrillMessage], None],
        stop: threading.Event,
    ) -> None:
        try:
            last: DrillMessage = run_drill(self._subject, cause_id, say, timeout_seconds, stop)
        except TrimtabError as error:
            last = error
        except Exception:  # noqa: BLE001 - the edge of a thread; its follower is told.
            _log.exception("drill failed", extra={"cause": cause_id})
            last = DrillFailed("The drill failed inside trimtab.")
        finally:
            with self._lock:
                self._running.discard(threading.current_thread())
        say(last)


def _lines(said: "queue.Queue[DrillMessage]") -> Iterator[dict[str, Any]]:
    item: DrillMessage | None = None
    while item is None or isinstance(item, Progress | DrillWait):
        item = said.get()
        yield as_line(item)
