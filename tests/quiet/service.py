"""`trimtab serve` on a clock that runs faster after SIGUSR1: hours of rules pass in a minute.

Until then it is the service as it is. Afterwards the load of the machine's processors is no longer measured: a burst of work
that takes the machine a minute would look like an hour of it.
"""

import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import psutil

from trimtab.app import application

SPEED = float(os.environ.get("QUIET_SPEED", "60"))  # noqa: TID251 - the test's own switch.
_SLICE_SECONDS = 0.25
_IDLE_PERCENT = 20.0


class SwitchedClock:
    """The machine's clock; `hurry` makes it faster. Its rate is never exactly 1, so durations stay the machine's."""

    def __init__(self, rate=1.0):
        self.rate = 1.000001
        wall = time.time()  # noqa: TID251 - in place of the clock, the one place that reads the time.
        self._wall, self._at, self._passed = (
            datetime.fromtimestamp(wall, UTC),
            time.monotonic(),
            0.0,
        )
        signal.signal(signal.SIGUSR1, lambda *_: self.hurry())

    def hurry(self):
        self._passed, self._at, self.rate = self.monotonic(), time.monotonic(), SPEED
        psutil.cpu_percent = lambda *_, **__: _IDLE_PERCENT

    def monotonic(self):
        return self._passed + (time.monotonic() - self._at) * self.rate

    def now(self):
        return self._wall + timedelta(seconds=self.monotonic())

    def wait(self, event, seconds):
        end = self.monotonic() + max(0.0, seconds)
        while not event.is_set():
            left = (end - self.monotonic()) / self.rate
            if left <= 0:
                return False
            event.wait(min(left, _SLICE_SECONDS))
        return True

    def sleep(self, seconds):
        self.wait(threading.Event(), seconds)


if __name__ == "__main__":
    application.SystemClock = SwitchedClock
    from trimtab.cli import main

    sys.exit(main())
