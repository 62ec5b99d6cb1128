"""The operator on the shipped rules and page, with a real server and a clock of the test.

The clock advances only with a look at the server at every fifteen seconds of it, so a slow machine makes a drill slow, not wrong.
"""

import time

from tests.drills.shipped import STEP_SECONDS, STORES, drilled_service
from trimtab.infra.storage import SqliteDatabase
from trimtab.testing.clock import FakeClock

PAUSE_SECONDS = 0.05
"""Real time that the server gets for each step."""


class LookingClock(FakeClock):
    """Looks at the server after every fifteen seconds of its time."""

    def __init__(self):
        super().__init__()
        self.look = lambda: None
        self._next_look = STEP_SECONDS
        self.rate = STEP_SECONDS / PAUSE_SECONDS

    def advance(self, seconds):
        while seconds > 0:
            step = min(seconds, self._next_look - self.monotonic())
            super().advance(step)
            seconds -= step
            if self.monotonic() >= self._next_look:
                self._next_look += STEP_SECONDS
                time.sleep(PAUSE_SECONDS)
                self.look()


def drilled(world, pages, folder):
    """Return the service under drill, and its database."""
    database = SqliteDatabase(folder / "state.db", STORES)
    service = drilled_service(
        "postgresql", world.catalog, world.clock, world.state.refresh, pages, database
    )
    return service, database
