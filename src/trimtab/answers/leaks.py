"""Detects personal data in stored traces, shown answers and log lines."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from trimtab.answers.errors import TraceUnknown
from trimtab.answers.records import Trace
from trimtab.guardrails.pii import find
from trimtab.guardrails.pii.kinds import PiiType
from trimtab.infra.background import PeriodicTask
from trimtab.kernel.clock import Clock

_log = logging.getLogger(__name__)
LOCATIONS = ("trace", "answer", "log")
_EVERY_SECONDS = 60.0
_MAX_TRACES = 2_000
_MAX_NAMED = 20
_FIRST_LOOK = timedelta(days=1)
_LOG_LINES_COUNT_SECONDS = 3600.0
# Kinds with a checksum or an unmistakable form. A leak calls a person at night, so a number that
# may be a version or a size does not prove one; the guards redact those, too.
_CERTAIN = frozenset(
    (PiiType.EMAIL_ADDRESS, PiiType.IBAN_CODE, PiiType.CREDIT_CARD, PiiType.US_SSN)
)
_SHOWN = frozenset(("ok", "degraded"))


class Traces(Protocol):
    """Reads traces from the store."""

    def since(self, moment: datetime, limit: int) -> list[Trace]:
        """Return the newest traces that are not older than the moment."""
        ...

    def find(self, trace_id: str) -> Trace:
        """Return the trace, or raise `TraceUnknown`."""
        ...


@dataclass(frozen=True, slots=True)
class Leak:
    """Personal data where it must not be; the data itself is not carried."""

    place: str
    """``trace``, ``answer`` or ``log``."""
    trace_id: str
    """Empty for a log line that names none."""


class LeakMonitor(logging.Handler):
    """Keeps what was found for the signals; a leak is gone when its trace is erased.

    Args:
        traces: Where traces are kept.
        forbidden: The kinds of data that no answer may show, as the rules of the guards are now.
        clock: Paces the looks.
    """

    def __init__(
        self, traces: Traces, forbidden: Callable[[], Iterable[str]], clock: Clock
    ) -> None:
        super().__init__(logging.INFO)
        self._traces = traces
        self._forbidden = forbidden
        self._clock = clock
        self._looked_at = clock.now() - _FIRST_LOOK
        self._found: dict[str, tuple[Leak, ...]] = {}
        self._lines: deque[tuple[float, Leak]] = deque(maxlen=_MAX_NAMED)
        self._guard = threading.Lock()
        self.task = PeriodicTask("leak-watch", self.run_once, _EVERY_SECONDS, clock)

    def start(self) -> None:
        """Look at new traces in the background, and at each log line."""
        logging.getLogger().addHandler(self)
        self.task.start()

    def stop(self) -> None:
        """Stop the background scan."""
        logging.getLogger().removeHandler(self)
        self.task.close(timeout=15)

    def run_once(self) -> tuple[Leak, ...]:
        """Scan new traces and those with a leak; return all leaks."""
        began = self._clock.now()
        new = {trace.id: trace for trace in self._traces.since(self._looked_at, _MAX_TRACES)}
        for trace_id in set(self._found) - set(new):
            try:
                new[trace_id] = self._traces.find(trace_id)
            except TraceUnknown:
                _log.info("leak ended: its trace is gone", extra={"trace": trace_id})
        forbidden = frozenset(self._forbidden())
        found = {trace.id: leaks for trace in new.values() if (leaks := _leaks(trace, forbidden))}
        fresh = sorted(set(found) - set(self._found))
        if fresh:
            _log.error("personal_data_found", extra={"traces": fresh[:_MAX_NAMED]})
        self._found, self._looked_at = found, began
        return self.leaks()

    def emit(self, record: logging.LogRecord) -> None:
        """Note a log line that holds personal data."""
        if _holds_data(record.getMessage()):
            trace_id = str(getattr(record, "trace_id", ""))
            with self._guard:
                self._lines.append((self._clock.monotonic(), Leak("log", trace_id)))

    def leaks(self) -> tuple[Leak, ...]:
        """Return all leaks as of the last look; log lines of the last hour."""
        since = self._clock.monotonic() - _LOG_LINES_COUNT_SECONDS
        with self._guard:
            lines = [leak for at, leak in self._lines if at >= since]
        return (*(leak for leaks in self._found.values() for leak in leaks), *lines)

    def counts(self) -> Mapping[str, int]:
        """Return how many leaks there are in each place."""
        found = [leak.place for leak in self.leaks()]
        return {place: found.count(place) for place in LOCATIONS}

    def named(self) -> list[Leak]:
        """Return the newest leaks that name a trace, at most twenty."""
        named = [leak for leak in self.leaks() if leak.trace_id]
        return sorted(set(named), key=lambda leak: leak.trace_id, reverse=True)[:_MAX_NAMED]


def _leaks(trace: Trace, forbidden: frozenset[str]) -> tuple[Leak, ...]:
    answer = trace.answer
    texts = (answer.question, answer.text, *(citation.quote for citation in answer.citations))
    leaks = []
    if any(map(_holds_data, texts)):
        leaks.append(Leak("trace", trace.id))
    if not answer.blocked and any(
        stage.name == "guard_answer"
        and stage.outcome in _SHOWN
        and not forbidden.isdisjoint(_findings(stage.facts))
        for stage in trace.stages
    ):
        leaks.append(Leak("answer", trace.id))
    return tuple(leaks)


def _findings(facts: Mapping[str, object]) -> list[str]:
    findings = facts.get("findings")
    return list(map(str, findings)) if isinstance(findings, list | tuple) else []


def _holds_data(text: str) -> bool:
    # Most log lines have neither, and to look closer costs a hundred times as much.
    if "@" not in text and sum(map(str.isdigit, text)) < 9:
        return False
    return any(data.type in _CERTAIN for data in find(text))
