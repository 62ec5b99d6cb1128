"""Stored predictions of low confidence, for people to review."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.models.serving.store import ResultRow, ResultStore


@dataclass(frozen=True, slots=True)
class UnsureRow:
    """The row of a request that the model was least sure of."""

    number: int
    """From 1."""
    rows: int
    """Of the request."""
    confidence: float
    label: str
    probabilities: Mapping[str, float]
    inputs: Mapping[str, Any]
    """By column; empty when inputs are not stored."""


@dataclass(frozen=True, slots=True)
class UnsurePrediction:
    """A request with a row that the model was not sure of."""

    request_id: str
    model: str
    served_by: str
    """``name@version`` or ``baseline``."""
    row: UnsureRow
    at: str
    """ISO 8601, UTC."""
    user_id: str


def unsure_predictions(
    store: ResultStore, since: datetime, below: float, limit: int
) -> Iterator[UnsurePrediction]:
    """Yield the newest requests since then with a confidence below the limit.

    Args:
        store: Holds the results.
        since: No older ones are looked at.
        below: Of the confidence; a regression has none.
        limit: The maximum number of requests that are read.
    """
    for stored in store.recent(since=since, limit=limit):
        row = _min_confidence_row(stored)
        if row is not None and row.confidence < below:
            yield UnsurePrediction(
                stored.request_id,
                stored.model,
                stored.served_by,
                row,
                stored.timestamp,
                stored.user_id,
            )


def _min_confidence_row(stored: ResultRow) -> UnsureRow | None:
    """Return the row whose class has the lowest confidence; None when none has one."""
    try:
        outputs = json.loads(stored.outputs) or []
        inputs = json.loads(stored.inputs) if stored.inputs else []
    except ValueError:
        return None
    given = [
        (float(each["confidence"]), at)
        for at, each in enumerate(outputs)
        if "label" in each and each.get("confidence") is not None
    ]
    if not given:
        return None
    confidence, at = min(given)
    return UnsureRow(
        at + 1,
        len(outputs),
        confidence,
        str(outputs[at]["label"]),
        outputs[at].get("probabilities") or {},
        inputs[at] if at < len(inputs) else {},
    )
