"""Weights of the sentiment analyzer, and the predictor that reads them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from trimtab.models.errors import LibraryMismatch
from trimtab.models.ports import TextEncoder
from trimtab.models.predictors.sklearn_model import class_outputs
from trimtab.models.records import Manifest
from trimtab.models.rows import Outputs, Rows
from trimtab.models.trained.assembly import arrays_to_bytes
from trimtab.models.trained.sentiment.encoding import EncodedTexts, encode_texts
from trimtab.models.trained.sentiment.kernel import KernelPart
from trimtab.models.trained.sentiment.linear import LinearPart

CLASSES = ("negative", "neutral", "positive")
WEIGHTS_FILE = "weights.npz"
TEXT_COLUMN = "text"

_KERNEL_SHARE = 1.0
"""Of the kernel next to the linear model, whose share is 1."""


@dataclass(frozen=True, slots=True)
class SentimentWeights:
    """A linear model over n-grams, and a radial kernel over the states of two encoders.

    Attributes:
        linear: Knows words.
        kernel: Knows contexts.
        temperature: Divides the scores, so that the probabilities are calibrated.
        encoder: Name of the embedding model that the vectors come from.
    """

    linear: LinearPart
    kernel: KernelPart
    temperature: float
    encoder: str

    def to_bytes(self) -> bytes:
        """Return the weights as a ``.npz`` file."""
        return arrays_to_bytes(
            self.linear.arrays()
            | self.kernel.arrays()
            | {
                "temperature": np.asarray([self.temperature], dtype=np.float32),
                "encoder": np.frombuffer(self.encoder.encode(), dtype=np.uint8),
            }
        )

    @classmethod
    def read(cls, file: Path) -> Self:
        """Return the weights of a file; pickled arrays are refused.

        Raises:
            LibraryMismatch: An earlier release has written it.
        """
        with np.load(file, allow_pickle=False) as arrays:
            if "kernel_points" not in arrays:
                raise LibraryMismatch(
                    "The sentiment weights are those of an earlier release, which read no context.",
                    hint="Train the model again: trimtab models train sentiment-analyzer.",
                )
            return cls(
                LinearPart.from_arrays(arrays),
                KernelPart.from_arrays(arrays),
                float(arrays["temperature"][0]),
                arrays["encoder"].tobytes().decode(),
            )


class SentimentScorer:
    """Scores texts; holds the training texts of the kernel as it multiplies them.

    Args:
        weights: To score with.
    """

    def __init__(self, weights: SentimentWeights) -> None:
        self.weights = weights
        self._expanded = weights.kernel.expanded()

    def scores(self, encoded: EncodedTexts) -> NDArray[np.float64]:
        """Return the score of each class, shape (texts, classes)."""
        kernel = self.weights.kernel.scores(encoded, self._expanded)
        found = self.weights.linear.scores(encoded) + _KERNEL_SHARE * kernel
        return np.asarray(found, dtype=np.float64)

    def probabilities(self, encoded: EncodedTexts) -> NDArray[np.float64]:
        """Return the calibrated probability of each class, shape (texts, classes)."""
        return softmax(self.scores(encoded) / self.weights.temperature)


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return scores as probabilities, row by row."""
    exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = exponents / exponents.sum(axis=1, keepdims=True)
    return shares


class SentimentPredictor:
    """Tells whether short financial texts are good or bad news.

    Args:
        weights: Of the model.
        encoder: The embedding model they were trained with, and the cross-encoder.

    Raises:
        LibraryMismatch: The encoder is another one than in training.
    """

    def __init__(self, weights: SentimentWeights, encoder: TextEncoder) -> None:
        if encoder.model_id != weights.encoder:
            raise LibraryMismatch(
                f"The sentiment weights are for the embedding model {weights.encoder};"
                f" {encoder.model_id} is configured.",
                hint="Train the model again with the configured embedding model.",
            )
        self._scorer, self._encoder = SentimentScorer(weights), encoder

    @classmethod
    def load(cls, folder: Path, manifest: Manifest, encoder: TextEncoder) -> Self:
        """Return the predictor of a version's files."""
        del manifest
        return cls(SentimentWeights.read(folder / WEIGHTS_FILE), encoder)

    def predict(self, rows: Rows) -> Outputs:
        """Return one class for each text, with calibrated probabilities."""
        texts = [text or "" for text in rows.columns[TEXT_COLUMN]]
        shares = self._scorer.probabilities(encode_texts(texts, self._encoder))
        return class_outputs(shares, CLASSES, None)
