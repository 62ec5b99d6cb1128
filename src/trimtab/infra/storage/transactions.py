"""Running and slow transactions of a database, and the interruption of those that never end."""

import threading
import time
from dataclasses import dataclass
from types import CodeType
from typing import Protocol

SLOW_SECONDS = 0.5
_MAX_CALLERS = 200


@dataclass(frozen=True, slots=True)
class RunningTransaction:
    """A transaction that has not ended."""

    database: str
    caller: str
    """The function that began it, such as ``IncidentStore.find``."""
    seconds: float
    """How long it has been open, on the machine's clock."""


@dataclass(frozen=True, slots=True)
class SlowCaller:
    """A function whose transactions took long."""

    database: str
    caller: str
    count: int
    mean_seconds: float
    longest_seconds: float


class Interruptible(Protocol):
    """A connection whose running statement another thread can end."""

    def interrupt(self) -> None:
        """End the statement that runs, if one does."""


class Transactions:
    """Watches the transactions of one database.

    A transaction registers itself in `running` and reports its end to `note` only when it was slow,
    so that the others cost next to nothing.

    Args:
        database: Its name.
    """

    def __init__(self, database: str) -> None:
        self.database = database
        self.running: dict[int, tuple[float, CodeType, Interruptible]] = {}
        """Begin, caller and connection by an id of the transaction."""
        self.slow_count = 0
        self.interrupted = 0
        self._slow: dict[str, tuple[int, float, float]] = {}
        self._lock = threading.Lock()

    def note(self, code: CodeType, seconds: float) -> None:
        """Record the end of a slow transaction."""
        name = code.co_qualname
        with self._lock:
            self.slow_count += 1
            count, total, longest = self._slow.get(name, (0, 0.0, 0.0))
            if name in self._slow or len(self._slow) < _MAX_CALLERS:
                self._slow[name] = (count + 1, total + seconds, max(longest, seconds))

    def slowest(self, limit: int = 10) -> list[SlowCaller]:
        """Return the functions with slow transactions, by mean time."""
        with self._lock:
            found = [
                SlowCaller(self.database, name, count, total / count, longest)
                for name, (count, total, longest) in self._slow.items()
            ]
        return sorted(found, key=lambda each: (-each.mean_seconds, each.caller))[:limit]

    def open(self) -> list[RunningTransaction]:
        """Return the running transactions, the longest first."""
        now = time.monotonic()
        found = [
            RunningTransaction(self.database, code.co_qualname, now - began)
            for began, code, _ in list(self.running.values())
        ]
        return sorted(found, key=lambda each: -each.seconds)

    def longest_seconds(self) -> float:
        """Return how long the oldest running transaction has been open; 0 without one."""
        began = min((began for began, _, _ in list(self.running.values())), default=None)
        return 0.0 if began is None else time.monotonic() - began

    def interrupt(self, older_seconds: float) -> list[str]:
        """End the statements of transactions that are older; return their callers.

        A statement that is ended raises in its own thread, and its transaction is rolled back.
        """
        now, ended = time.monotonic(), []
        for began, code, connection in list(self.running.values()):
            if now - began > older_seconds:
                connection.interrupt()
                ended.append(code.co_qualname)
        self.interrupted += len(ended)
        return ended
