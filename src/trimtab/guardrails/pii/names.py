"""Interface of a name detector, and a wrapper with a timeout."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from trimtab.guardrails.errors import NamesUnavailable
from trimtab.guardrails.pii.kinds import PersonalData

LONGEST = 10_000
"""Maximum characters of a text; a language model needs tenths of a second for this length."""


class NameDetector(Protocol):
    """Detects names of people and places in a text."""

    def detect(self, text: str) -> tuple[PersonalData, ...]:
        """Return the names in order of position, without overlaps.

        Raises:
            NamesUnavailable: The detector cannot answer now.
        """
        ...


class BoundedNames:
    """Runs a name detector on one thread with a timeout.

    A late detection cannot be stopped. Until it ends, further texts are refused at once, so that a
    detector that hangs delays one text and not every text.

    Args:
        detector: The detector to call.
        timeout_seconds: Limit for one text, including the wait for the thread.
    """

    def __init__(self, detector: NameDetector, timeout_seconds: float) -> None:
        self._detector = detector
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._late: Future[tuple[PersonalData, ...]] | None = None
        self._pool = ThreadPoolExecutor(1, "names")

    def detect(self, text: str) -> tuple[PersonalData, ...]:
        """Return the names, or raise `NamesUnavailable` on a timeout."""
        if len(text) > LONGEST:
            raise NamesUnavailable(f"A text is longer than {LONGEST} characters.")
        with self._lock:
            if self._late is not None and not self._late.done():
                raise NamesUnavailable("The name detector is still at a former text.")
            future = self._pool.submit(self._detector.detect, text)
        try:
            return future.result(self._timeout_seconds)
        except TimeoutError as error:
            if not future.cancel():  # It is running; a queued call is cancelled.
                with self._lock:
                    self._late = future
            raise NamesUnavailable(f"No names within {self._timeout_seconds:g} s.") from error

    def renew(self) -> None:
        """Replace the thread; a late detection is abandoned."""
        with self._lock:
            old_pool, self._pool = self._pool, ThreadPoolExecutor(1, "names")
            self._late = None
        old_pool.shutdown(wait=False)

    def close(self) -> None:
        """Shut down the thread; queued detections are cancelled."""
        self._pool.shutdown(wait=False, cancel_futures=True)
