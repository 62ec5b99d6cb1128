"""A clock that stands still until somebody waits."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)


class StandingClock:
    """`wait` moves it on at once; `on_wait` is called first, to let the world change meanwhile."""

    def __init__(self, on_wait=None):
        self.seconds = 0.0
        self.on_wait = on_wait or (lambda seconds: None)

    def now(self):
        return START + timedelta(seconds=self.seconds)

    def monotonic(self):
        return self.seconds

    def wait(self, event, seconds):
        self.seconds += seconds
        self.on_wait(self.seconds)
        return event.is_set()

    def sleep(self, seconds):
        self.seconds += seconds
