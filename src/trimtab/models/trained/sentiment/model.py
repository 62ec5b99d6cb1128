"""Weights of the sentiment analyzer, and the predictor that reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from trimtab.models.errors import ArtifactCorrupt, LibraryMismatch
from trimtab.models.ports import TextEncoder
from trimtab.models.predictors.sklearn_model import class_outputs
from trimtab.models.records import Manifest
from trimtab.models.rows import Outputs, Rows
from trimtab.models.trained.assembly import arrays_to_bytes
from trimtab.models.trained.sentiment.features import encoder_text, hash_text

CLASSES = ("negative", "neutral", "positive")
WEIGHTS_FILE = "weights.npz"
TEXT_COLUMN = "text"
_NET = ("hidden", "hidden_bias", "output", "output_bias")
"""Arrays of the network in the file."""


@dataclass(frozen=True, slots=True)
class VectorNet:
    """A network of one hidden layer over the vector of the text encoder.

    Attributes:
        hidden: Weights of the hidden units, shape (units, dimensions).
        hidden_bias: Shape (units,).
        output: Shape (classes, units).
        output_bias: Shape (classes,).
    """

    hidden: NDArray[np.float32]
    hidden_bias: NDArray[np.float32]
    output: NDArray[np.float32]
    output_bias: NDArray[np.float32]

    def scores(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the score of each class, shape (texts, classes)."""
        units = np.maximum(vectors @ self.hidden.T + self.hidden_bias, 0)
        found: NDArray[np.float32] = units @ self.output.T + self.output_bias
        return found


@dataclass(frozen=True, slots=True)
class SentimentWeights:
    """A linear model over hashed words and the encoder's vector, plus a network over the vector.

    Attributes:
        rarity: Inverse document frequency of each cell.
        cells: Weights of the cells, shape (classes, cells).
        vector: Weights of the encoder's vector, shape (classes, dimensions).
        intercept: Shape (classes,).
        net: Its scores are added.
        temperature: Divides the scores, so that the probabilities are calibrated.
        encoder: Name of the embedding model that the vectors come from.
    """

    rarity: NDArray[np.float32]
    cells: NDArray[np.float32]
    vector: NDArray[np.float32]
    intercept: NDArray[np.float32]
    net: VectorNet
    temperature: float
    encoder: str

    def to_bytes(self) -> bytes:
        """Return the weights as a ``.npz`` file; half precision is enough for the cells."""
        arrays: dict[str, NDArray[Any]] = {
            "rarity": self.rarity.astype(np.float16),
            "cells": self.cells.astype(np.float16),
            "vector": self.vector.astype(np.float32),
            "intercept": self.intercept.astype(np.float32),
            **{name: getattr(self.net, name).astype(np.float16) for name in _NET},
            "temperature": np.asarray([self.temperature], dtype=np.float32),
            "encoder": np.frombuffer(self.encoder.encode(), dtype=np.uint8),
        }
        return arrays_to_bytes(arrays)

    @classmethod
    def read(cls, file: Path) -> Self:
        """Return the weights of a file; pickled arrays are refused.

        Raises:
            ArtifactCorrupt: An earlier release wrote them, with other arrays.
        """
        with np.load(file, allow_pickle=False) as arrays:
            if missing := [name for name in _NET if name not in arrays.files]:
                raise ArtifactCorrupt(
                    f"{file.name} has no {missing[0]}: an earlier release trained it.",
                    hint="Train it again: trimtab models train sentiment-analyzer --data DIR.",
                )
            return cls(
                arrays["rarity"].astype(np.float32),
                arrays["cells"].astype(np.float32),
                arrays["vector"],
                arrays["intercept"],
                VectorNet(*(arrays[name].astype(np.float32) for name in _NET)),
                float(arrays["temperature"][0]),
                arrays["encoder"].tobytes().decode(),
            )

    def scores(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the score of each class, shape (texts, classes)."""
        found = vectors @ self.vector.T + self.intercept + self.net.scores(vectors)
        for at, text in enumerate(texts):
            hashed = hash_text(text, self.rarity)
            found[at] += self.cells[:, hashed.cells] @ hashed.values
        return np.asarray(found, dtype=np.float64)

    def probabilities(
        self, texts: Sequence[str], vectors: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the calibrated probability of each class, shape (texts, classes)."""
        return softmax(self.scores(texts, vectors) / self.temperature)


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return scores as probabilities, row by row."""
    exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = exponents / exponents.sum(axis=1, keepdims=True)
    return shares


class SentimentPredictor:
    """Tells whether short financial texts are good or bad news.

    Args:
        weights: Of the linear model.
        encoder: The embedding model they were trained with.

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
        self._weights, self._encoder = weights, encoder

    @classmethod
    def load(cls, folder: Path, manifest: Manifest, encoder: TextEncoder) -> Self:
        """Return the predictor of a version's files."""
        del manifest
        return cls(SentimentWeights.read(folder / WEIGHTS_FILE), encoder)

    def predict(self, rows: Rows) -> Outputs:
        """Return one class for each text, with calibrated probabilities."""
        texts = [text or "" for text in rows.columns[TEXT_COLUMN]]
        vectors = np.asarray(self._encoder.embed(list(map(encoder_text, texts))), dtype=np.float32)
        return class_outputs(self._weights.probabilities(texts, vectors), CLASSES, None)
