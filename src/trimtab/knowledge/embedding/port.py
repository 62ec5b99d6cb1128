"""Interface of an embedding model."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Rows of unit length, shape (n, dimension)."""


class Prefixes(NamedTuple):
    """Prefixes of queries and passages; empty for most models."""

    query: str = ""
    passage: str = ""


class EmbeddingModel(Protocol):
    """Turns texts into vectors whose dot product is their cosine similarity; thread-safe."""

    @property
    def model_id(self) -> str:
        """Names model, weights and pooling: vectors of different ids must not be compared."""
        ...

    @property
    def device(self) -> str:
        """Device in use: ``cpu`` or ``cuda``."""
        ...

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """Return the number of tokens used of a text, end marks included; the rest is cut off."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector for each text, in the given order; shape (len(texts), dimension).

        Raises:
            EmbedderUnavailable: The model is closed or failed.
        """
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return each text's length in tokens before any cut, its two end marks included."""
        ...

    def close(self) -> None:
        """Free the model; later calls raise ``EmbedderUnavailable``. May be called twice."""
        ...
