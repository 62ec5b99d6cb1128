"""Injectable clock, so that drills run in fast time and tests need not sleep."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Source of time for code that waits or records a time."""

    @property
    def rate(self) -> float:
        """Seconds of this clock per second of the machine; 1 outside drills."""
        ...

    def now(self) -> datetime:
        """Return the present instant, timezone-aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences have a meaning."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set or the seconds have passed; return whether it is set."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds of this clock."""
        ...


class SystemClock:
    """The machine's clock, optionally running faster.

    Args:
        rate: Seconds of this clock per second of the machine; 10 makes a ten-minute window last one
            minute. Only drills and the demo use a rate other than 1.
        ahead_seconds: How far it is ahead of the machine when it is made; a fast clock that starts
            again on old data continues from the time of the previous one.
    """

    def __init__(self, rate: float = 1.0, ahead_seconds: float = 0.0) -> None:
        if rate <= 0:
            raise ValueError("a clock's rate must be above zero")
        self.rate = rate
        self._ahead = ahead_seconds
        self._wall_start = time.time() + ahead_seconds  # noqa: TID251 - this is the clock.
        self._start = time.monotonic()

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return (time.monotonic() - self._start) * self.rate

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        if self.rate == 1.0:
            # The only module that may read the system time.
            return datetime.fromtimestamp(time.time() + self._ahead, UTC)  # noqa: TID251
        return datetime.fromtimestamp(self._wall_start, UTC) + timedelta(seconds=self.monotonic())

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set or the seconds have passed; return whether it is set."""
        return event.wait(max(0.0, seconds) / self.rate)

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds of this clock."""
        time.sleep(max(0.0, seconds) / self.rate)


def machine_clock(clock: Clock) -> Clock:
    """Return the clock by which the machine's own work is timed and given deadlines.

    A drill's fast clock shortens windows and holds. It makes no disk, model or network faster: a
    search that takes 10 ms takes 10 ms at any rate, and a deadline of 2 s is 2 s of this machine.
    """
    return clock if clock.rate == 1.0 else SystemClock()
