"""Ports of the models domain: predictors, and the encoder that text models use."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trimtab.models.records import JsonObject, Manifest
from trimtab.models.rows import Outputs, Rows


class TextEncoder(Protocol):
    """Turns texts into vectors; the models of knowledge in a running service."""

    @property
    def model_id(self) -> str:
        """Return the name of the embedding model."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector for each text."""
        ...

    def read(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the state of a cross-encoder for each text, read with the question."""
        ...


class FoundationModel(Protocol):
    """A language model that can classify a row that it has not been trained for."""

    def classify(self, task: str, classes: Sequence[str], rows: Sequence[JsonObject]) -> list[str]:
        """Return one of the classes for each row.

        Args:
            task: What is predicted: name and purpose of the model.
            classes: The allowed answers.
            rows: As they were sent.

        Raises:
            ModelUnavailable: It did not answer, or with something else than a class.
        """
        ...


class Predictor(Protocol):
    """A loaded model. It is called from one thread at a time."""

    def predict(self, rows: Rows) -> Outputs:
        """Return one output for each row, in order."""
        ...


class PredictorLoader(Protocol):
    """Makes a predictor of the files of a version."""

    def __call__(self, folder: Path, manifest: Manifest, encoder: TextEncoder, /) -> Predictor:
        """Return the predictor; raises what the files' reader raises."""
        ...
