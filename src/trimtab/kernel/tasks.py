"""State of background tasks, and tasks that the scheduler runs at intervals."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

_LATE_INTERVALS = 3
_GRACE_SECONDS = 60.0
"""Added to three intervals: one slow run on a busy machine is not a stalled task."""


@dataclass(frozen=True, slots=True)
class TaskState:
    """Failures and last success of a background task."""

    name: str
    interval_seconds: float
    failures: int
    """Runs that ended in an unexpected error, since the start."""
    started_at: datetime | None
    """None before the start, and again after the end."""
    last_success: datetime | None

    def age_seconds(self, now: datetime) -> float:
        """Return the seconds since the last success, or since the start before the first one."""
        since = self.last_success or self.started_at
        return 0.0 if since is None else max(0.0, (now - since).total_seconds())

    def late(self, now: datetime) -> bool:
        """Return whether a running task has not succeeded for far longer than its interval."""
        limit = _LATE_INTERVALS * self.interval_seconds + _GRACE_SECONDS
        return self.started_at is not None and self.age_seconds(now) > limit


class Task(Protocol):
    """A thread or job that works in the background."""

    @property
    def state(self) -> TaskState:
        """Return its failures and last success."""
        ...


@dataclass(frozen=True, slots=True)
class ScheduledTask:
    """Short work that the scheduler runs at an interval; it must be safe to repeat.

    Of several processes on one database only the leader runs it, unless it is for each process.
    """

    name: str
    every_seconds: float
    run: Callable[[], object]
    each_process: bool = False
    """Whether every process needs it, such as to look after its own memory or disk."""
