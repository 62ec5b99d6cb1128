"""Linear classifiers over n-grams and the states of two encoders, one class against the others."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from trimtab.models.trained.sentiment.encoding import EncodedTexts
from trimtab.models.trained.sentiment.features import Vocabulary, learn_vocabulary

_SEED = 7
_STATE_SCALE = 1.5
"""Length of the vector of each encoder; that of words is 1."""
_SPREAD_FLOOR = 1e-3
_STRENGTH = 0.15
_ITERATIONS = 50_000
"""Small sets with vectors that are alike need more than the 1,000 of scikit-learn."""
_MIX = 0.25


@dataclass(frozen=True, slots=True)
class LinearPart:
    """Weights of a linear model.

    Attributes:
        vocabulary: N-grams that have weights.
        grams: Their weights, shape (classes, n-grams).
        states: Weights of the two encoders' states, shape (classes, dimensions of both).
        intercept: Shape (classes,).
    """

    vocabulary: Vocabulary
    grams: NDArray[np.float32]
    states: NDArray[np.float32]
    intercept: NDArray[np.float32]

    @classmethod
    def fit(cls, encoded: EncodedTexts, classes: NDArray[np.intp]) -> Self:
        """Fit a support vector machine for each class, with balanced class weights."""
        from scipy.sparse import csr_matrix, hstack
        from sklearn.svm import LinearSVC

        vocabulary = learn_vocabulary(encoded.grams)
        size = len(vocabulary.keys)
        matrix = _matrix(encoded, vocabulary)
        centre, scale = _scaling(encoded)
        states = csr_matrix((encoded.both - centre) * scale)
        grams, dense, intercept = [], [], []
        for index in range(int(classes.max()) + 1):
            ratio = class_ratio(matrix, classes == index)
            model = LinearSVC(
                C=_STRENGTH, class_weight="balanced", random_state=_SEED, max_iter=_ITERATIONS
            )
            model.fit(hstack([matrix.multiply(ratio), states]).tocsr(), classes == index)
            grams.append(model.coef_[0, :size] * ratio)
            dense.append(model.coef_[0, size:] * scale)
            intercept.append(model.intercept_[0] - dense[-1] @ centre)
        return cls(
            # As they are stored: half precision is enough.
            Vocabulary(vocabulary.keys, _halved(vocabulary.rarity)),
            _halved(np.asarray(grams)),
            np.asarray(dense, dtype=np.float32),
            np.asarray(intercept, dtype=np.float32),
        )

    @classmethod
    def from_arrays(cls, arrays: Any) -> Self:
        """Return the part that `arrays` gave."""
        rarity, grams = (arrays[name].astype(np.float32) for name in ("rarity", "grams"))
        vocabulary = Vocabulary(arrays["keys"], rarity)
        return cls(vocabulary, grams, arrays["states"], arrays["intercept"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to store, by name."""
        return {
            "keys": self.vocabulary.keys,
            "rarity": self.vocabulary.rarity.astype(np.float16),
            "grams": self.grams.astype(np.float16),
            "states": self.states,
            "intercept": self.intercept,
        }

    def scores(self, encoded: EncodedTexts) -> NDArray[np.float32]:
        """Return the score of each class, shape (texts, classes)."""
        found = encoded.both @ self.states.T + self.intercept
        for at, grams in enumerate(encoded.grams):
            weighted = self.vocabulary.weigh(grams)
            found[at] += self.grams[:, weighted.positions] @ weighted.values
        return np.asarray(found, dtype=np.float32)


def class_ratio(matrix: Any, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how much each n-gram tells a class from the others, 1 on average.

    It is the size of the log-count ratio of naive Bayes, mixed with 1 as in Wang and Manning
    (2012, aclanthology.org/P12-2018), so that an n-gram that tells nothing keeps some weight.
    """
    within = np.asarray(matrix[inside].sum(axis=0)).ravel() + 1
    without = np.asarray(matrix[~inside].sum(axis=0)).ravel() + 1
    ratio = np.abs(np.log((within / within.sum()) / (without / without.sum())))
    mixed: NDArray[np.float64] = _MIX + (1 - _MIX) * ratio / max(ratio.mean(), 1e-12)
    return mixed


def _scaling(encoded: EncodedTexts) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what is subtracted from the states and what they are multiplied with.

    The embedding model's vectors have length 1; the cross-encoder's states get it on average.
    """
    vectors, states = encoded.vectors, encoded.states
    spread = (states.std(axis=0) + _SPREAD_FLOOR) * np.sqrt(states.shape[1])
    centre = np.concatenate([np.zeros(vectors.shape[1]), states.mean(axis=0)])
    scale = _STATE_SCALE * np.concatenate([np.ones(vectors.shape[1]), 1 / spread])
    return centre.astype(np.float32), scale.astype(np.float32)


def _matrix(encoded: EncodedTexts, vocabulary: Vocabulary) -> Any:
    from scipy.sparse import csr_matrix

    rows = [vocabulary.weigh(grams) for grams in encoded.grams]
    ends = np.cumsum([0, *(len(row.positions) for row in rows)])
    positions = np.concatenate([row.positions for row in rows])
    values = np.concatenate([row.values for row in rows])
    return csr_matrix((values, positions, ends), shape=(len(rows), len(vocabulary.keys)))


def _halved(values: NDArray[Any]) -> NDArray[np.float32]:
    return values.astype(np.float16).astype(np.float32)
