"""Runs drills of a running service in threads and stops them on request."""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from trimtab.drills.errors import DrillRefused
from trimtab.drills.result import DrillResult, DrillWait, Progress
from trimtab.drills.run import DrilledService, run_drill
from trimtab.kernel.errors import TrimtabError

_log = logging.getLogger(__name__)

DrillMessage = Progress | DrillWait | DrillResult | TrimtabError
"""Message of a drill: a stage, a wait, or at the end the result or an error."""


def as_line(message: DrillMessage) -> dict[str, Any]:
    """Return a message as a JSON object: ``stage``, ``waiting``, ``result`` or ``error``."""
    match message:
        case Progress():
            return {"stage": asdict(message)}
        case DrillWait():
            return {"waiting": asdict(message)}
        case DrillResult():
            return {"result": {**asdict(message), "passed": message.passed}}
        case TrimtabError():
            return {"error": message.as_wire()}


class DrillFailed(TrimtabError):
    """The drill failed by a bug in trimtab; the log has the traceback."""

    code = "drills.failed"


class DrillRunner:
    """Starts and stops drills.

    Args:
        subject: The service that is drilled.
        refused: Returns why no drill may start now; empty when one may.
    """

    def __init__(self, subject: DrilledService, refused: Callable[[], str] = lambda: "") -> None:
        self._subject = subject
        self._refused = refused
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._running: set[threading.Thread] = set()

    def start(
        self, cause_id: str, timeout_seconds: float, report: Callable[[DrillMessage], None]
    ) -> None:
        """Start a drill in a thread, which calls ``report`` with each message.

        Raises:
            RunbookUnknown: The cause does not exist.
            DrillRefused: No drill may start now.
        """
        library = self._subject.library
        book, _ = library.cause(cause_id)
        if not library.provides(book):
            raise DrillRefused(
                f"{cause_id} cannot be drilled: it needs {book.needs}, which is not configured.",
                hint=f"docs/{book.needs}.md tells how to connect one.",
            )
        if why := self._refused():
            raise DrillRefused(
                f"{cause_id} cannot be drilled: {why}",
                hint="End it with `trimtab maintenance off`, and drill again.",
            )
        with self._lock:
            stop = self._stop
            thread = threading.Thread(
                target=self._run, args=(cause_id, timeout_seconds, report, stop), name="drill"
            )
            self._running.add(thread)
            thread.start()

    def follow(self, cause_id: str, timeout_seconds: float) -> Iterator[dict[str, Any]]:
        """Start a drill and yield its messages; it continues if the reader leaves.

        Raises:
            RunbookUnknown: The cause does not exist.
        """
        messages: queue.Queue[DrillMessage] = queue.Queue()
        self.start(cause_id, timeout_seconds, messages.put)
        return _lines(messages)

    def stop(self) -> None:
        """Stop every drill and wait until its faults are restored."""
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
        report: Callable[[DrillMessage], None],
        stop: threading.Event,
    ) -> None:
        try:
            last: DrillMessage = run_drill(self._subject, cause_id, report, timeout_seconds, stop)
        except TrimtabError as error:
            last = error
        # The outermost call of a thread; its reader gets an error.
        except Exception:  # noqa: BLE001
            _log.exception("drill failed", extra={"cause": cause_id})
            last = DrillFailed("The drill failed inside trimtab.")
        finally:
            with self._lock:
                self._running.discard(threading.current_thread())
        report(last)


def _lines(messages: "queue.Queue[DrillMessage]") -> Iterator[dict[str, Any]]:
    item: DrillMessage | None = None
    while item is None or isinstance(item, Progress | DrillWait):
        item = messages.get()
        yield as_line(item)
