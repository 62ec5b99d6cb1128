"""Stored predictions of low confidence, for people to review."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from trimtab.models.serving.store import ResultRow, ResultStore


@dataclass(frozen=True, slots=True)
class UnsurePrediction:
    """A request with a row that the model was not sure of."""

    request_id: str
    model: str
    served_by: str
    """``name@version`` or ``baseline``."""
    confidence: float
    """The lowest one of its rows."""
    at: str
    """ISO 8601, UTC."""
    user_id: str
    inputs: str
    outputs: str


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
    for row in store.recent(since=since, limit=limit):
        confidence = _lowest_confidence(row)
        if confidence < below:
            yield UnsurePrediction(
                row.request_id,
                row.model,
                row.served_by,
                confidence,
                row.timestamp,
                row.user_id,
                row.inputs,
                row.outputs,
            )


def _lowest_confidence(row: ResultRow) -> float:
    """Return the lowest confidence of a request's classes; 1 when it has none."""
    try:
        outputs = json.loads(row.outputs) or []
    except ValueError:
        return 1.0
    given = (each.get("confidence") for each in outputs if "label" in each)
    return min((float(each) for each in given if each is not None), default=1.0)
