"""Compares two models on the same rows by a paired bootstrap of F1."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 4_000
_SEED = 20_263

Flags = NDArray[np.bool_]


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


def compare_paired(labels: Flags, current: Flags, candidate: Flags) -> PairedComparison:
    """Return the comparison of two models.

    A row is one of eight kinds (label, both predictions), so drawing rows with replacement is
    drawing counts of the kinds. What makes rows hard for both models cancels out.

    Args:
        labels: Whether each row is of the positive class.
        current: What the serving version predicts.
        candidate: What the candidate predicts.
    """
    rows = len(labels)
    kinds = labels.astype(np.int64) * 4 + current.astype(np.int64) * 2 + candidate
    counts = np.bincount(kinds, minlength=8)
    if not rows:
        return PairedComparison(0, 0.0, 0.0, 0.0, 0.0)
    drawn = np.random.default_rng(_SEED).multinomial(rows, counts / rows, _RESAMPLES)
    differences = _f1(drawn, 1) - _f1(drawn, 2)
    low, high = np.quantile(differences, (0.025, 0.975))
    whole = counts[None, :]
    return PairedComparison(
        rows, float(_f1(whole, 2)[0]), float(_f1(whole, 1)[0]), float(low), float(high)
    )


def _f1(counts: NDArray[np.int64], bit: int) -> NDArray[np.float64]:
    """Return F1 of the model whose prediction is that bit of the kind; 0 without positives."""
    kinds = np.arange(8)
    predicted, positive = (kinds & bit) > 0, (kinds & 4) > 0
    true = counts[:, predicted & positive].sum(axis=1)
    bottom = counts[:, predicted].sum(axis=1) + counts[:, positive].sum(axis=1)
    found: NDArray[np.float64] = np.divide(
        2 * true, bottom, out=np.zeros(len(counts)), where=bottom > 0
    )
    return found
