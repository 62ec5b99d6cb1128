"""Predicts with one version in one thread, many requests in one batch."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import orjson

from trimtab.infra.breaker import CircuitBreaker
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.errors import TrimtabError
from trimtab.models.errors import ModelUnavailable
from trimtab.models.ports import Predictor
from trimtab.models.registry import LoadedModel
from trimtab.models.rows import Outputs, Rows
from trimtab.models.serving.cache import CachedResult, ResultCache
from trimtab.models.serving.records import (
    FailedBatch,
    Observer,
    PendingRequest,
    Prediction,
    PredictionOutcome,
    ServedBatch,
)
from trimtab.models.serving.request_queue import QueuedRequest, RequestQueue
from trimtab.models.serving.store import ResultRow, ResultStore

_log = logging.getLogger(__name__)


class Admission(StrEnum):
    """Reply of a server to a new request."""

    TAKEN = "taken"
    CLOSED = "closed"
    """It was retired; another version serves now."""
    REFUSED = "refused"
    """Its circuit breaker is open, or too many requests wait."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Bounds of a batch and of the queue."""

    wait_seconds: float
    rows: int
    waiting: int


@dataclass(frozen=True, slots=True)
class ServingSinks:
    """Destinations of results.

    Attributes:
        store: On disk, before the reply.
        cache: In memory.
        observers: Monitors, after the reply.
        clock: Of the process.
        store_inputs: Whether rows are stored next to their result.
    """

    store: ResultStore
    cache: ResultCache
    observers: list[Observer]
    clock: Clock
    store_inputs: bool

    def notify(self, batch: ServedBatch | FailedBatch) -> None:
        """Tell every observer; one that fails is logged, and the others are still told."""
        for observer in self.observers:
            try:
                observer(batch)
            # The reply has been sent; a monitor cannot fail it.
            except Exception:  # noqa: BLE001
                _log.exception("an observer of predictions failed")


Fail = Callable[[PendingRequest, int, TrimtabError], None]


@dataclass(slots=True, eq=False)
class _Ready:
    """A request with its outputs."""

    item: QueuedRequest
    result: CachedResult
    cached: bool


class VersionServer:
    """One loaded version with its queue, thread and circuit breaker.

    Args:
        loaded: The version.
        breaker: Opens after failures in a row.
        limits: Of batches and queue.
        sinks: Where results go.
        fail: Called for each request that this version could not predict.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        breaker: CircuitBreaker,
        limits: BatchLimits,
        sinks: ServingSinks,
        fail: Fail,
    ) -> None:
        self.loaded = loaded
        self.version = loaded.version
        self.breaker = breaker
        self._limits = limits
        self._sinks = sinks
        self._fail = fail
        self._machine = machine_clock(sinks.clock)
        self._queue = RequestQueue(limits.wait_seconds, limits.rows)
        self.stand_in: Predictor | None = None
        """Predicts instead of the loaded model; set by a drill only."""
        self.served = 0
        self._busy_since: float | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"model-{self.version.ref}", daemon=True
        )
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Return the number of requests in the queue."""
        return len(self._queue)

    @property
    def busy_seconds(self) -> float:
        """Return how long the model has worked on its present batch; 0 when it is idle."""
        since = self._busy_since
        return 0.0 if since is None else self._machine.monotonic() - since

    def submit(self, pending: PendingRequest, alias: str) -> Admission:
        """Queue a request, unless this server is closed, unwell or too busy."""
        if not self.breaker.healthy and not self.breaker.allow():
            return Admission.REFUSED
        if len(self._queue) >= self._limits.waiting:
            return Admission.REFUSED
        if not self._queue.put(QueuedRequest(pending, pending.stage, alias)):
            return Admission.CLOSED
        return Admission.TAKEN

    def close(self) -> None:
        """Take no more requests; what was taken is still answered."""
        self._queue.close()

    def join(self, seconds: float) -> None:
        """Wait until the queue has been answered."""
        self._thread.join(seconds)

    def _run(self) -> None:
        while batch := self._queue.take():
            try:
                self._serve(batch)
            # The edge of a thread: a mistake here must not end all later batches.
            except Exception as error:  # noqa: BLE001
                _log.exception("a batch failed", extra={"model": self.version.ref})
                self._refuse(batch, _broken(self.version.ref, error))

    def _serve(self, batch: list[QueuedRequest]) -> None:
        digest, cache = self.version.digest, self._sinks.cache
        ready: list[_Ready] = []
        missing: list[QueuedRequest] = []
        for item in batch:
            pending, stage, _ = item
            if pending.answered or pending.stage != stage:
                continue
            found = None if pending.probe else cache.find(digest, pending.inputs_json)
            if found is None:
                missing.append(item)
            else:
                ready.append(_Ready(item, found, cached=True))
        predicted = self._predict(missing) if missing else None
        if predicted is not None:
            ready += self._split(missing, predicted[1])
        if ready:
            self._answer(ready)
        if predicted is not None:
            self._observe(missing, *predicted)

    def _predict(self, items: list[QueuedRequest]) -> tuple[Rows, Outputs, float] | None:
        """Return rows, outputs and seconds of a batch; None when it failed or was split."""
        rows = Rows.join([pending.rows for pending, _, _ in items])
        started = self._busy_since = self._machine.monotonic()
        try:
            outputs = (self.stand_in or self.loaded.predictor).predict(rows)
            if len(outputs) != len(rows) or not np.isfinite(outputs.values).all():
                raise ValueError("the model gave NaN, infinity, or too few outputs")
        # Whatever a model raises, its fallback shall answer.
        except Exception as error:  # noqa: BLE001
            if len(items) > 1:
                # The rows of one request must not fail those of the others.
                for item in items:
                    self._serve([item])
                return None
            _log.warning(
                "Model Unavailable", extra={"model": self.version.ref, "error": str(error)[:200]}
            )
            self.breaker.record_failure()
            self._refuse(items, _broken(self.version.ref, error))
            return None
        finally:
            self._busy_since = None
        if not self.breaker.healthy:
            self.breaker.record_success()
        return rows, outputs, self._machine.monotonic() - started

    def _split(self, items: list[QueuedRequest], outputs: Outputs) -> list[_Ready]:
        """Return the part of each request, and keep it in the cache."""
        found, start, cache = [], 0, self._sinks.cache
        # Of all requests at once: for one row most of its time would go into the calls.
        json_rows = outputs.to_json()
        for item in items:
            pending = item[0]
            end = start + len(pending.rows)
            part = outputs.part(start, end)
            result = CachedResult(part, orjson.dumps(json_rows[start:end]))
            start = end
            cache.keep(self.version.digest, pending.inputs_json, result)
            found.append(_Ready(item, result, cached=False))
        return found

    def _answer(self, ready: list[_Ready]) -> None:
        """Store the results in one transaction, then reply."""
        now = self._machine.monotonic()
        timestamp = self._sinks.clock.now().isoformat()
        claimed = [entry for entry in ready if entry.item[0].claim(entry.item[1])]
        answers = [(entry.item[0], self._prediction(entry, now)) for entry in claimed]
        self.served += len(answers)
        stored = store_answers(self._sinks, timestamp, answers)
        self._queue.before_answers()
        deliver(stored)

    def _prediction(self, entry: _Ready, now: float) -> Prediction:
        pending, stage, alias = entry.item
        return Prediction(
            model=self.version.name,
            version=self.version.version,
            digest=self.version.digest,
            alias=alias,
            served_by=self.version.ref,
            outcome=PredictionOutcome.FALLBACK if stage else PredictionOutcome.OK,
            request_id=pending.request_id,
            outputs=entry.result.outputs,
            outputs_json=entry.result.outputs_json,
            cached=entry.cached,
            latency_ms=(now - pending.started) * 1000,
        )

    def _observe(
        self, items: list[QueuedRequest], rows: Rows, outputs: Outputs, seconds: float
    ) -> None:
        is_probe = all(pending.probe for pending, _, _ in items)
        if self._sinks.observers and not is_probe:
            self._sinks.notify(
                ServedBatch(
                    self.version,
                    items[0][2],
                    [pending.request_id for pending, _, _ in items],
                    [len(pending.rows) for pending, _, _ in items],
                    rows,
                    outputs,
                    seconds,
                    self._sinks.clock.now(),
                )
            )

    def _refuse(self, items: Sequence[QueuedRequest], error: TrimtabError) -> None:
        for pending, stage, _ in items:
            self._fail(pending, stage, error)
        ids = [pending.request_id for pending, _, _ in items]
        at = self._sinks.clock.now()
        self._sinks.notify(FailedBatch(self.version, items[0][2], ids, error.code, at))


_Answers = list[tuple[PendingRequest, Prediction | TrimtabError]]


def deliver_stored(
    sinks: ServingSinks, timestamp: str, answers: list[tuple[PendingRequest, Prediction]]
) -> None:
    """Store claimed predictions in one transaction, then hand them to who waits."""
    deliver(store_answers(sinks, timestamp, answers))


def store_answers(
    sinks: ServingSinks, timestamp: str, answers: list[tuple[PendingRequest, Prediction]]
) -> _Answers:
    """Store claimed predictions in one transaction; return what their callers get.

    When they cannot be stored, the callers get that error: an answer of which no record says what
    gave it would not be one.
    """
    # Health checks are not kept: one a minute for each model would fill the table.
    kept = [pair for pair in answers if not pair[0].probe]
    try:
        if kept:
            sinks.store.add([_row(sinks, timestamp, pending, found) for pending, found in kept])
    except TrimtabError as error:
        return [(pending, error) for pending, _ in answers]
    return [*answers]


def deliver(answers: _Answers) -> None:
    """Hand answers to who waits for them, those of one event loop together."""
    groups: dict[int, _Answers] = {}
    for pair in answers:
        groups.setdefault(id(pair[0].deliver), []).append(pair)
    for pairs in groups.values():
        pairs[0][0].deliver(pairs)


def store_error(
    sinks: ServingSinks, model: str, pending: PendingRequest, error: TrimtabError, latency: float
) -> None:
    """Store that nothing could answer a request, unless it was a health check."""
    if pending.probe:
        return
    row = ResultRow(
        sinks.clock.now().isoformat(),
        pending.request_id,
        model,
        0,
        "",
        pending.asked_first,
        pending.alias,
        PredictionOutcome.ERROR,
        "",
        pending.user_id,
        len(pending.rows),
        round(latency, 3),
        pending.inputs_json.decode() if sinks.store_inputs else "",
        orjson.dumps({"error": error.code}).decode(),
    )
    sinks.store.add([row])


def _row(
    sinks: ServingSinks, timestamp: str, pending: PendingRequest, found: Prediction
) -> ResultRow:
    return ResultRow(
        timestamp,
        pending.request_id,
        found.model,
        found.version,
        found.digest,
        pending.asked_first,
        found.alias,
        found.outcome,
        found.served_by,
        pending.user_id,
        len(pending.rows),
        round(found.latency_ms, 3),
        pending.inputs_json.decode() if sinks.store_inputs else "",
        found.outputs_json.decode(),
    )


def _broken(ref: str, error: Exception) -> ModelUnavailable:
    # Without the text of the error, which may quote the input.
    return ModelUnavailable(f"Model Unavailable: {ref} failed with {type(error).__name__}.")
