"""Kernel ridge regression over the states of two encoders.

It compares a text with every training text: a radial kernel over standardised states. It finds
what the linear part cannot, as the same word is good news in one context and bad in another.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from trimtab.models.trained.sentiment.encoding import EncodedTexts

_WIDTH = 1.0
"""Of the kernel exp(-width * squared distance) between unit vectors."""
_RIDGE = 0.15
_SPREAD_FLOOR = 1e-3
"""Keeps a dimension that hardly varies from being blown up."""
_LEVELS = 127
MAX_POINTS = 15_000
"""Training texts that the kernel compares with: the matrix of 15,000 takes 0.9 GB."""


@dataclass(frozen=True, slots=True)
class KernelPart:
    """Training texts with the coefficients of each class.

    Attributes:
        mean: Of each dimension of the two encoders' states, one after the other.
        spread: Standard deviation of each dimension.
        points: Directions of the training texts in 8 bits, shape (texts, dimensions).
        steps: Size of one level of each text, shape (texts,).
        coefficients: Shape (texts, classes).
    """

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    points: NDArray[np.int8]
    steps: NDArray[np.float32]
    coefficients: NDArray[np.float32]

    @classmethod
    def fit(
        cls, encoded: EncodedTexts, classes: NDArray[np.intp], weights: NDArray[np.float64]
    ) -> Self:
        """Fit one class against the others, for each class.

        Of more texts than `MAX_POINTS` it takes `MAX_POINTS` that are evenly spaced.

        Args:
            encoded: Training texts.
            classes: Class of each, from 0.
            weights: Of the error of each text.
        """
        from scipy.linalg import cho_factor, cho_solve

        count = int(classes.max()) + 1
        kept = min(len(encoded), MAX_POINTS)
        used = np.arange(kept) * len(encoded) // kept
        encoded, classes, weights = encoded.part(used), classes[used], weights[used]
        states = encoded.both
        mean, spread = states.mean(axis=0), states.std(axis=0) + np.float32(_SPREAD_FLOOR)
        points, steps = _to_levels(_directions(states, mean, spread))
        rounded = _from_levels(points, steps)
        similarity = _kernel(rounded, rounded)
        similarity[np.diag_indices(len(points))] += (_RIDGE / weights).astype(np.float32)
        targets = np.where(np.arange(count) == classes[:, None], 1, -1)
        # The transpose is the same matrix in the memory order that is solved without a copy.
        factor = cho_factor(similarity.T, lower=True, overwrite_a=True, check_finite=False)
        coefficients = cho_solve(factor, targets.astype(np.float32), check_finite=False)
        return cls(mean, spread, points, steps, coefficients.astype(np.float32))

    @classmethod
    def from_arrays(cls, arrays: Any) -> Self:
        """Return the part that `arrays` gave."""
        names = ("mean", "spread", "points", "steps", "coefficients")
        return cls(*(arrays[f"kernel_{name}"] for name in names))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to store, by name."""
        return {
            "kernel_mean": self.mean,
            "kernel_spread": self.spread,
            "kernel_points": self.points,
            "kernel_steps": self.steps,
            "kernel_coefficients": self.coefficients,
        }

    def expanded(self) -> NDArray[np.float32]:
        """Return the directions of the training texts, as `scores` takes them."""
        return _from_levels(self.points, self.steps)

    def scores(self, encoded: EncodedTexts, expanded: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the score of each class, shape (texts, classes)."""
        states = encoded.both
        found: NDArray[np.float32] = (
            _kernel(_directions(states, self.mean, self.spread), expanded) @ self.coefficients
        )
        return found


def _directions(
    states: NDArray[np.float32], mean: NDArray[np.float32], spread: NDArray[np.float32]
) -> NDArray[np.float32]:
    standard = (states - mean) / spread
    lengths = np.linalg.norm(standard, axis=1, keepdims=True)
    return np.asarray(standard / np.maximum(lengths, 1e-6), dtype=np.float32)


def _kernel(rows: NDArray[np.float32], columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the radial kernel of unit vectors, whose squared distance is 2 - 2 cosine."""
    cosine = rows @ columns.T
    cosine -= 1
    cosine *= 2 * _WIDTH
    return np.asarray(np.exp(cosine, out=cosine), dtype=np.float32)


def _to_levels(
    directions: NDArray[np.float32],
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    steps = np.maximum(np.abs(directions).max(axis=1), 1e-6) / _LEVELS
    return np.rint(directions / steps[:, None]).astype(np.int8), steps.astype(np.float32)


def _from_levels(points: NDArray[np.int8], steps: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(points.astype(np.float32) * steps[:, None], dtype=np.float32)
