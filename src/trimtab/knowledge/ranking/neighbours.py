"""Passages that resemble other good ones rank higher.

A passage about what was asked has neighbours about it too; one that merely shares words with the
query has not. Each score moves towards that of the passage's nearest neighbours among the
candidates: score regularisation, Diaz, "Regularizing ad hoc retrieval scores" (CIKM 2005).
"""

import numpy as np
from numpy.typing import NDArray

from trimtab.knowledge.embedding import Vectors

_NEIGHBOURS = 5
_SHARE = 0.3


def smoothed(scores: NDArray[np.float64], vectors: Vectors) -> NDArray[np.float64]:
    """Return the scores, each mixed with those of its nearest neighbours.

    Args:
        scores: Of the candidates, shape (n,).
        vectors: Their unit vectors in the same order, shape (n, dimension).
    """
    count = min(_NEIGHBOURS, len(scores) - 1)
    if count < 1:
        return scores
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1.0)
    nearest = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
    weights = np.maximum(np.take_along_axis(likeness, nearest, axis=1), 1e-6).astype(np.float64)
    neighbours = (scores[nearest] * weights).sum(axis=1) / weights.sum(axis=1)
    mixed: NDArray[np.float64] = (1 - _SHARE) * scores + _SHARE * neighbours
    return mixed
