"""Sends traces to an OTLP/HTTP backend, from the trace store.

The store is the queue: every trace is on disk before the caller sees the answer, with a mark
whether the backend has it. A backend that is down for an hour costs nothing but a longer list; a
user who is erased meanwhile is erased from the list as well.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from trimtab.answers.records import Trace
from trimtab.infra.background import PeriodicTask
from trimtab.infra.breaker import CircuitBreaker
from trimtab.infra.dependencies import FAILURES, PROBE_SECONDS
from trimtab.infra.retries import retry_in_background
from trimtab.infra.settings.sections.answers import AnswersSettings
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError

if TYPE_CHECKING:
    from trimtab.answers.tracing.otlp_client import OtlpClient

Claim = Callable[[], AbstractContextManager[bool]]
"""Claims the list for one round; whether this process has it is the context's value."""

_log = logging.getLogger(__name__)
_BATCH = 100
_LONGEST_PAUSE_SECONDS = 300.0


class _NotTaken(Exception):
    """The backend did not take what waits."""


class TraceQueue(Protocol):
    """The traces that the backend does not have yet; the trace store is one."""

    def unexported(self, limit: int) -> list[Trace]:
        """Return the oldest of them."""
        ...

    def mark_exported(self, trace_ids: Sequence[str]) -> None:
        """Take them off the list."""
        ...

    def count_unexported(self) -> int:
        """Return how many there are."""
        ...


@dataclass(frozen=True, slots=True)
class ExportRun:
    """Result of one run of the exporter."""

    sent: int
    rejected: int
    """Traces that the backend refuses for what they are; they stay here and are not sent again."""
    waiting: int
    error: str = ""
    """Why it stopped; empty when nothing is waiting."""


class SpanExporter:
    """Sends in batches, in the background.

    Args:
        outbox: Where the traces wait.
        endpoint: The backend's root; ``/v1/traces`` is added. Empty sends nothing.
        headers: Such as the backend's key.
        clock: Times the pauses.
        interval_seconds: Between two looks at the list.
        timeout_seconds: The longest wait for the backend.
    """

    def __init__(
        self,
        outbox: TraceQueue,
        endpoint: str,
        headers: Mapping[str, str],
        clock: Clock,
        interval_seconds: float = 5.0,
        timeout_seconds: float = 10.0,
    ) -> None:
        self._outbox = outbox
        self._endpoint = endpoint
        self._interval = interval_seconds
        self._headers = dict(headers)
        self._timeout = timeout_seconds
        self._line: OtlpClient | None = None
        self._pause = interval_seconds
        self.task = PeriodicTask(
            "span-exporter", self._round, lambda: self._pause, clock, at_once=False
        )
        self.last = ExportRun(0, 0, 0)
        self.breaker = CircuitBreaker(FAILURES, PROBE_SECONDS, clock)
        """Of the backend; a person who sends by hand is not refused by it."""
        self._clock = clock
        self._claim: Claim = lambda: nullcontext(True)  # noqa: FBT003 - the value of the context.

    def share(self, claim: Claim) -> None:
        """Send only with a claim, where several processes have the same list."""
        self._claim = claim

    @property
    def is_configured(self) -> bool:
        """True when a backend is configured."""
        return bool(self._endpoint)

    def run_once(self) -> ExportRun:
        """Send everything that waits, until it is all sent or the backend does not take it."""
        if not self._endpoint:
            return self.last
        sent = rejected = 0
        size, error = _BATCH, ""
        while not error and (batch := self._outbox.unexported(size)):
            outcome = self._send(batch)
            if outcome == "refused" and len(batch) > 1:
                size = max(1, len(batch) // 2)  # Find the one that it refuses; the others are fine.
                continue
            if outcome not in {"", "refused"}:
                error = outcome
                continue
            self._outbox.mark_exported([trace.id for trace in batch])
            sent += len(batch) * (outcome == "")
            rejected += len(batch) * (outcome == "refused")
            size = min(_BATCH, size * 2)
        self.last = ExportRun(sent, rejected, self._outbox.count_unexported(), error)
        if rejected:
            _log.warning("traces refused by the tracing backend", extra={"count": rejected})
        return self.last

    def redirect(self, endpoint: str) -> str:
        """Send to another backend from now on, and return the former one's root."""
        before, self._endpoint = self._endpoint, endpoint
        self.last = ExportRun(0, 0, 0)
        return before

    def start(self) -> None:
        """Begin to send in the background."""
        self.task.start()

    def close(self) -> None:
        """Stop sending; what waits is sent after the next start."""
        self.task.close(timeout=15)
        if self._line is not None:
            self._line.close()

    def _round(self) -> None:
        if not self.breaker.allow():
            return
        with self._claim() as claimed:
            if claimed:
                self._send_with_retries()

    def _send_with_retries(self) -> None:
        try:
            retry_in_background(self._send_waiting, _NotTaken, self._clock)
        except (_NotTaken, TrimtabError) as error:
            self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
            _log.warning("traces wait for their backend", extra={"reason": str(error)})
        else:
            self._pause = self._interval

    def _send_waiting(self) -> None:
        error = self.run_once().error
        if error:
            self.breaker.record_failure()
            raise _NotTaken(error)
        self.breaker.record_success()

    def _send(self, batch: Sequence[Trace]) -> str:
        if self._line is None:
            from trimtab.answers.tracing.otlp_client import (
                OtlpClient,
            )  # Its packages are large, and few send traces.

            self._line = OtlpClient(self._headers, self._timeout)
        return self._line.send(self._endpoint, batch)


def exporter_of(settings: AnswersSettings, outbox: TraceQueue, clock: Clock) -> SpanExporter:
    """Return the exporter that the settings ask for."""
    return SpanExporter(outbox, settings.otlp_endpoint, parse_headers(settings.otlp_headers), clock)


def parse_headers(text: str) -> dict[str, str]:
    """Return the headers of ``name=value,name=value``, the form of `OTEL_EXPORTER_OTLP_HEADERS`."""
    pairs = (entry.partition("=") for entry in text.split(",") if "=" in entry)
    return {name.strip(): value.strip() for name, _, value in pairs}
