"""Health of the channels: failures in a row, since the start."""

import threading
from collections import Counter

FAILING_AFTER = 3
"""Failures in a row after which a channel counts as failing."""


class ChannelHealth:
    """Counts failures in a row for each channel; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: Counter[str] = Counter()

    def note(self, channel: str, *, failed: bool) -> bool:
        """Record an attempt; return whether the channel begins to count as failing now."""
        with self._lock:
            if not failed:
                self._failures[channel] = 0
                return False
            self._failures[channel] += 1
            return self._failures[channel] == FAILING_AFTER

    def forget(self, channel: str) -> None:
        """Forget the failures of a channel that is gone."""
        with self._lock:
            self._failures.pop(channel, None)

    def failing(self, channel: str) -> bool:
        """Return whether the last attempts have all failed."""
        with self._lock:
            return self._failures[channel] >= FAILING_AFTER
