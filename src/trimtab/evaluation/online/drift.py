"""Drift of questions: a permutation test on their embeddings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SEED = 20_262
_MIN_SAMPLES = 30


@dataclass(frozen=True, slots=True)
class DriftReport:
    """Result of the test."""

    detected: bool
    p_value: float
    """The chance of a distance this large if nothing had changed."""
    effect: float
    """The energy coefficient in [0, 1]: 0 for the same distribution."""
    baseline: int
    recent: int


def drift(
    baseline: NDArray[np.float32],
    recent: NDArray[np.float32],
    *,
    level: float = 0.01,
    min_effect: float = 0.02,
    permutations: int = 499,
) -> DriftReport | None:
    """Compare two samples of unit vectors; None when one has under 30 vectors.

    The energy distance (Székely and Rizzo, 2013) is zero only for equal distributions; its chance
    under "nothing has changed" is counted over random regroupings of the vectors, so no
    distribution is assumed. With many samples any difference becomes certain, so a drift must also
    be large: at least ``min_effect``.

    Args:
        baseline: Shape (n, dimension).
        recent: Shape (m, dimension).
        level: The chance of a false alarm at one test.
        min_effect: The smallest energy coefficient that counts.
        permutations: More give a finer p-value; 499 allow 0.002.
    """
    n, m = len(baseline), len(recent)
    if min(n, m) < _MIN_SAMPLES:
        return None
    points = np.concatenate([baseline, recent]).astype(np.float64)
    distances = np.sqrt(np.clip(2.0 - 2.0 * (points @ points.T), 0.0, None))
    own = np.arange(n + m) < n
    pick = np.random.default_rng(_SEED)
    groups = np.stack([own, *(pick.permutation(own) for _ in range(permutations))])
    energy, between = _energy(distances, groups.astype(np.float64), n, m)
    p_value = (1 + int(np.sum(energy[1:] >= energy[0]))) / (permutations + 1)
    effect = max(0.0, float(energy[0] / (2 * between[0]))) if between[0] else 0.0
    detected = p_value <= level and effect >= min_effect
    return DriftReport(detected, round(p_value, 4), round(effect, 5), n, m)


_Rows = NDArray[np.float64]


def _energy(distances: _Rows, groups: _Rows, n: int, m: int) -> tuple[_Rows, _Rows]:
    """Return for each grouping the energy distance and the mean distance between the groups."""
    to_first = groups @ distances
    first = np.sum(to_first * groups, axis=1)
    across = np.sum(to_first * (1.0 - groups), axis=1)
    second = distances.sum() - first - 2.0 * across
    between = across / (n * m)
    return 2.0 * between - first / n**2 - second / m**2, between
