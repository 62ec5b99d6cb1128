"""Observes what this process serves, so that its models are monitored without any client code."""

import threading
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.kernel.errors import NotFound
from trimtab.models.monitoring.observations import Observation
from trimtab.models.monitoring.service import ModelMonitor
from trimtab.models.monitoring.tables import Block
from trimtab.models.rows import Rows
from trimtab.models.serving.records import FailedBatch, ServedBatch

_FLUSH_ROWS = 2000
_Batch = ServedBatch | FailedBatch


class ServedObserver:
    """Collects served batches and stores them together; `flush` stores what is left.

    What a crash loses here is at most a look's worth of monitoring; the results themselves are
    stored by the server.

    Args:
        monitor: Stores the observations.
    """

    def __init__(self, monitor: ModelMonitor) -> None:
        self._monitor = monitor
        self._lock = threading.Lock()
        self._waiting: dict[str, list[_Batch]] = {}
        self._rows = 0

    def observe(self, batch: _Batch) -> None:
        """Take a batch; models without a reference are left out."""
        name = batch.version.name
        try:
            self._monitor.model(name)
        except NotFound:
            return
        with self._lock:
            self._waiting.setdefault(name, []).append(batch)
            self._rows += 1 if isinstance(batch, FailedBatch) else len(batch.rows)
            is_full = self._rows >= _FLUSH_ROWS
        if is_full:
            self.flush()

    def flush(self) -> None:
        """Store what was observed since the last time."""
        with self._lock:
            taken, self._waiting, self._rows = self._waiting, {}, 0
        for name, batches in taken.items():
            model = self._monitor.model(name)
            # In their order: of a request that failed first, only the failure counts.
            for kind, group in groupby(batches, _kind):
                if kind is None:
                    failed = [batch for batch in group if isinstance(batch, FailedBatch)]
                    found = [each for batch in failed for each in _failed(batch)]
                    self._monitor.record(model, found, "")
                    continue
                served = [batch for batch in group if isinstance(batch, ServedBatch)]
                positive = model.reference.positive
                found = [each for batch in served for each in _served(batch, positive)]
                self._monitor.record(model, found, "", _columns(served))


def _kind(batch: _Batch) -> tuple[str, ...] | None:
    """Return the names of the columns of served rows; None for a failure."""
    return None if isinstance(batch, FailedBatch) else batch.rows.names


def _columns(batches: Sequence[ServedBatch]) -> Block:
    rows = Rows.join([batch.rows for batch in batches])
    if rows.values is not None:
        return {name: rows.values[:, at] for at, name in enumerate(rows.names)}
    found: dict[str, NDArray[Any]] = {}
    for name in rows.names:
        found[name] = column = np.empty(len(rows), object)
        column[:] = rows.columns[name]
    return found


def _failed(batch: FailedBatch) -> Iterator[Observation]:
    for request_id in batch.request_ids:
        version = str(batch.version.version)
        yield Observation(request_id, batch.at, error=batch.code, version=version)


def _served(batch: ServedBatch, positive: str) -> Iterator[Observation]:
    outputs, version = batch.outputs, str(batch.version.version)
    labels = None if outputs.labels is None else outputs.labels.tolist()
    scores = None
    if outputs.probabilities is not None and positive in outputs.classes:
        scores = outputs.probabilities[:, outputs.classes.index(positive)].tolist()
    ids = (
        f"{request_id}:{number}" if size > 1 else request_id
        for request_id, size in zip(batch.request_ids, batch.sizes, strict=True)
        for number in range(size)
    )
    for row, identifier in enumerate(ids):
        yield Observation(
            id=identifier,
            at=batch.at,
            prediction=None if labels is None else outputs.classes[labels[row]],
            score=None if scores is None else scores[row],
            latency_seconds=batch.seconds,
            version=version,
        )
