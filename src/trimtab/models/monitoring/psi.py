"""Population stability index with its noise floor.

The index of two samples of one distribution is not 0: with B bins, n and N rows it is about
(1/n + 1/N) times a chi-square variable with B - 1 degrees of freedom (Yurdakul, 2018). A difference
counts only above a high quantile of that. Each bin gets half a row more, so that an empty bin does
not make the index infinite.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
_HALF = 0.5


def psi(shares: Sequence[float], rows: int, counts: Counts) -> float:
    """Return the population stability index of counts against the shares of a reference.

    Args:
        shares: Of each bin in the reference.
        rows: Of the reference.
        counts: Rows of each bin now.
    """
    bins = len(counts)
    now = (counts + _HALF) / (counts.sum() + _HALF * bins)
    then = (np.asarray(shares) * rows + _HALF) / (rows + _HALF * bins)
    return float(np.sum((now - then) * np.log(now / then)))


def noise_floor(
    bins: int, rows: int, reference_rows: int, dispersion: float = 1.0, level: float = 0.001
) -> float:
    """Return the index that two samples of one distribution exceed with probability ``level``."""
    if bins < 2:
        return 0.0
    if not rows or not reference_rows:
        return math.inf
    scale = dispersion * (1 / rows + 1 / reference_rows)
    return scale * chi_square_quantile(bins - 1, 1 - level)


def chi_square_quantile(degrees: int, probability: float) -> float:
    """Return a chi-square quantile by the cube approximation of Wilson and Hilferty (1931)."""
    part = 2 / (9 * degrees)
    z = NormalDist().inv_cdf(probability)
    return float(degrees * max(0.0, 1 - part + z * math.sqrt(part)) ** 3)


def dispersion(blocks: Sequence[Counts]) -> float:
    """Return how many times more blocks of one sample differ than chance explains; at least 1.

    Real data has weeks, campaigns and repeated customers, so its own blocks differ by more than
    independent rows would. Each block is compared with all others together.
    """
    total = np.sum(blocks, axis=0)
    ratios = []
    for block in blocks:
        others = total - block
        expected = (len(block) - 1) * (1 / block.sum() + 1 / others.sum())
        ratios.append(psi(shares_of(others), int(others.sum()), block) / expected)
    return max(1.0, float(np.mean(ratios)))


def shares_of(counts: Counts) -> tuple[float, ...]:
    """Return the share of each bin."""
    whole = counts.sum()
    return tuple(map(float, counts / whole)) if whole else (0.0,) * len(counts)
