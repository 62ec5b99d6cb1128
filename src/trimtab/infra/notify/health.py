"""Health of the channels: failures in a row, since the start, and their circuit breakers."""

import threading
from collections import Counter

from trimtab.infra.dependencies import Dependencies

FAILING_AFTER = 3
"""Failures in a row after which a channel counts as failing."""


class ChannelHealth:
    """Counts failures in a row for each channel; thread-safe.

    Args:
        dependencies: Circuit breakers of the process; None calls every channel each time.
    """

    def __init__(self, dependencies: Dependencies | None = None) -> None:
        self._dependencies = dependencies
        self._lock = threading.Lock()
        self._failures: Counter[str] = Counter()

    def note(self, channel: str, *, failed: bool) -> bool:
        """Record an attempt; return whether the channel begins to count as failing now."""
        if self._dependencies is not None:
            self._note_call(self._dependencies, channel, failed=failed)
        with self._lock:
            if not failed:
                self._failures[channel] = 0
                return False
            self._failures[channel] += 1
            return self._failures[channel] == FAILING_AFTER

    def allow(self, channel: str) -> bool:
        """Return whether the channel is called now, or spared because it has just failed."""
        return self._dependencies is None or self._dependencies.breaker(_name(channel)).allow()

    def forget(self, channel: str) -> None:
        """Forget the failures of a channel that is gone."""
        if self._dependencies is not None:
            self._dependencies.forget(_name(channel))
        with self._lock:
            self._failures.pop(channel, None)

    def failing(self, channel: str) -> bool:
        """Return whether the last attempts have all failed."""
        with self._lock:
            return self._failures[channel] >= FAILING_AFTER

    @staticmethod
    def _note_call(dependencies: Dependencies, channel: str, *, failed: bool) -> None:
        if failed:
            dependencies.note_failure(_name(channel))
        else:
            dependencies.breaker(_name(channel)).record_success()


def _name(channel: str) -> str:
    return f"channel {channel}"
