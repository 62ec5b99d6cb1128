"""Names of people and places: what a detector of them is, and the bound on its time."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from trimtab.guardrails.errors import NamesUnavailable
from trimtab.guardrails.pii.kinds import PersonalData

LONGEST = 10_000
"""Characters; a detector by language model needs tenths of a second for as many."""


class NameDetector(Protocol):
    """Finds names in a text."""

    def detect(self, text: str) -> tuple[PersonalData, ...]:
        """Return the names in order of place, apart from each other.

        Raises:
            NamesUnavailable: It cannot tell now.
        """
        ...


class BoundedNames:
    """A detector whose answer is waited for only so long.

    One thread detects, text after text. A late detection cannot be stopped; until it ends, every further text is
    refused at once, so that a detector that hangs is waited for once and not at each text.

    Args:
        detector: Who detects.
        timeout_seconds: The longest that one text may take, waiting for the thread included.
    """

    def __init__(self, detector: NameDetector, timeout_seconds: float) -> None:
        self._detector = detector
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._late: Future[tuple[PersonalData, ...]] | None = None
        self._pool = ThreadPoolExecutor(1, "names")

    def detect(self, text: str) -> tuple[PersonalData, ...]:
        """Return the names, or raise `NamesUnavailable` when there is no answer in time."""
        if len(text) > LONGEST:
            raise NamesUnavailable(f"A text is longer than {LONGEST} characters.")
        with self._lock:
            if self._late is not None and not self._late.done():
                raise NamesUnavailable("The name detector is still at a former text.")
            future = self._pool.submit(self._detector.detect, text)
        try:
            return future.result(self._timeout_seconds)
        except TimeoutError as error:
            if not future.cancel():  # It runs; what only waited is dropped.
                with self._lock:
                    self._late = future
            raise NamesUnavailable(f"No names within {self._timeout_seconds:g} s.") from error

    def renew(self) -> None:
        """Take a fresh thread, and leave a late detection to itself."""
        with self._lock:
            worn, self._pool = self._pool, ThreadPoolExecutor(1, "names")
            self._late = None
        worn.shutdown(wait=False)

    def close(self) -> None:
        """Let no further detection start."""
        self._pool.shutdown(wait=False, cancel_futures=True)
