"""Observes what this process serves, so that its models are monitored without any client code."""

import threading
from collections.abc import Iterator

import numpy as np

from trimtab.kernel.errors import NotFound
from trimtab.models.monitoring.observations import Observation
from trimtab.models.monitoring.service import ModelMonitor
from trimtab.models.serving.records import FailedBatch, ServedBatch

_FLUSH_ROWS = 1000


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
        self._waiting: dict[str, list[Observation]] = {}

    def observe(self, batch: ServedBatch | FailedBatch) -> None:
        """Take a batch; models without a reference are left out."""
        name = batch.version.name
        try:
            positive = self._monitor.model(name).reference.positive
        except NotFound:
            return
        found = _failed(batch) if isinstance(batch, FailedBatch) else _served(batch, positive)
        with self._lock:
            waiting = self._waiting.setdefault(name, [])
            waiting += found
            full = len(waiting) >= _FLUSH_ROWS
        if full:
            self.flush()

    def flush(self) -> None:
        """Store what was observed since the last time."""
        with self._lock:
            taken, self._waiting = self._waiting, {}
        for name, observations in taken.items():
            self._monitor.record(self._monitor.model(name), observations, "")


def _failed(batch: FailedBatch) -> Iterator[Observation]:
    for request_id in batch.request_ids:
        version = str(batch.version.version)
        yield Observation(request_id, batch.at, error=batch.code, version=version)


def _served(batch: ServedBatch, positive: str) -> Iterator[Observation]:
    outputs, rows = batch.outputs, batch.rows
    columns = [np.asarray(rows.column(name)).tolist() for name in rows.names]
    scores = None
    if outputs.probabilities is not None and positive in outputs.classes:
        scores = outputs.probabilities[:, outputs.classes.index(positive)].tolist()
    ids = (
        f"{request_id}:{number}" if size > 1 else request_id
        for request_id, size in zip(batch.request_ids, batch.sizes, strict=True)
        for number in range(size)
    )
    for row, identifier in enumerate(ids):
        label = None if outputs.labels is None else outputs.classes[int(outputs.labels[row])]
        yield Observation(
            id=identifier,
            at=batch.at,
            features={n: c[row] for n, c in zip(rows.names, columns, strict=True)},
            prediction=label,
            score=None if scores is None else scores[row],
            latency_seconds=batch.seconds,
            version=str(batch.version.version),
        )
