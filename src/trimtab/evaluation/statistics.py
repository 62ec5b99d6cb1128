"""Intervals by bootstrap: how sure a mean of paired differences is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_RESAMPLES = 2_000
_SEED = 20_261


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % bootstrap interval. All None without a single value."""

    n: int
    mean: float | None
    low: float | None
    high: float | None


def paired_interval(differences: Sequence[float]) -> Interval:
    """Return the mean of the differences and between which bounds it lies, by percentile bootstrap.

    The differences are of the same items before and after, so what makes items hard or easy cancels
    out. The seed is fixed: the same differences give the same interval.
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.size == 0:
        return Interval(0, None, None, None)
    pick = np.random.default_rng(_SEED).integers(0, values.size, (_RESAMPLES, values.size))
    means = values[pick].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(int(values.size), *(round(float(x), 6) for x in (values.mean(), low, high)))


def quantile(values: Sequence[float], share: float) -> float:
    """Return that quantile, linearly interpolated; NaN of nothing."""
    return float(np.quantile(np.asarray(values), share)) if values else float("nan")
