"""Compares two models on the same rows by a paired bootstrap of F1."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 4_000
_SEED = 20_263

ClassIndices = NDArray[np.intp]
"""One class for each row, as its index."""


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """F1 of two models on the same rows, with the 95 % interval of the difference."""

    rows: int
    current_f1: float
    candidate_f1: float
    low: float
    """Lower end of the interval of candidate minus current."""
    high: float

    @property
    def is_better(self) -> bool:
        """Return whether the candidate is better beyond chance."""
        return self.low > 0


def compare_paired(
    labels: ClassIndices,
    current: ClassIndices,
    candidate: ClassIndices,
    scored: Sequence[int] = (1,),
) -> PairedComparison:
    """Return the comparison of two models.

    Rows with the same label and the same two predictions are of one kind, so drawing rows with
    replacement is drawing counts of the kinds. What makes rows hard for both models cancels out.

    Args:
        labels: The class of each row.
        current: What the serving version predicts.
        candidate: What the candidate predicts.
        scored: The classes whose F1 is averaged: the positive one, or all of several.
    """
    rows = len(labels)
    if not rows:
        return PairedComparison(0, 0.0, 0.0, 0.0, 0.0)
    table = np.stack([labels, current, candidate], axis=1).astype(np.int64)
    kinds, counts = np.unique(table, axis=0, return_counts=True)
    drawn = np.random.default_rng(_SEED).multinomial(rows, counts / rows, _RESAMPLES)
    differences = _f1(drawn, kinds, 2, scored) - _f1(drawn, kinds, 1, scored)
    low, high = np.quantile(differences, (0.025, 0.975))
    whole = counts[None, :]
    return PairedComparison(
        rows,
        float(_f1(whole, kinds, 1, scored)[0]),
        float(_f1(whole, kinds, 2, scored)[0]),
        float(low),
        float(high),
    )


def _f1(
    counts: NDArray[np.int64], kinds: NDArray[np.int64], column: int, scored: Sequence[int]
) -> NDArray[np.float64]:
    """Return the mean F1 of the scored classes for each draw; 0 for a class without any row.

    Args:
        counts: Rows of each kind, shape (draws, kinds).
        kinds: Label and both predictions of each kind, shape (kinds, 3).
        column: Of the predictions that are measured.
        scored: The classes.
    """
    total = np.zeros(len(counts))
    for name in scored:
        positive, predicted = kinds[:, 0] == name, kinds[:, column] == name
        true = counts[:, predicted & positive].sum(axis=1)
        bottom = counts[:, predicted].sum(axis=1) + counts[:, positive].sum(axis=1)
        total += np.divide(2 * true, bottom, out=np.zeros(len(counts)), where=bottom > 0)
    found: NDArray[np.float64] = total / len(scored)
    return found
