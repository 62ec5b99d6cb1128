"""Fake clock that advances only when a test advances it."""

import threading
from datetime import UTC, datetime, timedelta


class FakeClock:
    """Implements `trimtab.kernel.clock.Clock`; sleeping and waiting advance it at once.

    Args:
        start: The first instant.
    """

    def __init__(self, start: datetime = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)) -> None:
        self._now = start
        self._elapsed = 0.0
        self.rate = 1.0

    def now(self) -> datetime:
        """Return the present instant."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._elapsed += seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.advance(max(0.0, seconds))

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Return whether the event is set; when it is not, let the time pass."""
        if not event.is_set():
            self.sleep(seconds)
        return event.is_set()
