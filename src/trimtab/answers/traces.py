"""Traces in memory: for evaluation, and for a service that keeps none on disk."""

import threading
from collections import OrderedDict

from trimtab.answers.errors import TraceUnknown
from trimtab.answers.records import Trace


class RecentTraces:
    """Keeps the last ``capacity`` traces and forgets the oldest first."""

    def __init__(self, capacity: int = 1_000) -> None:
        self._capacity = capacity
        self._traces: OrderedDict[str, Trace] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, trace: Trace) -> None:
        """Add the trace."""
        with self._lock:
            self._traces[trace.id] = trace
            while len(self._traces) > self._capacity:
                self._traces.popitem(last=False)

    def find(self, trace_id: str) -> Trace:
        """Return the trace, or raise `TraceUnknown`."""
        with self._lock:
            if trace_id not in self._traces:
                raise TraceUnknown(f"There is no trace {trace_id!r}.")
            return self._traces[trace_id]

    def recent(self, limit: int, project: str | None = None) -> list[Trace]:
        """Return the newest traces first, of one project or of all."""
        with self._lock:
            newest = reversed(self._traces.values())
            chosen = [trace for trace in newest if project in (None, trace.answer.project)]
        return chosen[:limit]

    def forget_user(self, user_id: str) -> int:
        """Delete a user's traces and return how many there were."""
        with self._lock:
            theirs = [key for key, trace in self._traces.items() if trace.user_id == user_id]
            for key in theirs:
                del self._traces[key]
        return len(theirs)
