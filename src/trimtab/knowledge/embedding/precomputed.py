"""Vectors of texts that are known before: read from a file instead of computed."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trimtab.knowledge.embedding.port import Vectors

_KEY_BYTES = 16


class PrecomputedVectors:
    """Vectors by model and text.

    Args:
        model_id: The model that computed them; no other model gets them.
        keys: The first bytes of each text's SHA-256, shape (n, 16).
        vectors: One row for each key, in half precision.
    """

    def __init__(
        self, model_id: str, keys: NDArray[np.uint8], vectors: NDArray[np.float16]
    ) -> None:
        self.model_id = model_id
        self._rows = {key.tobytes(): row for row, key in enumerate(keys)}
        self._keys, self._vectors = keys, vectors

    @classmethod
    def of(cls, model_id: str, texts: Sequence[str], vectors: Vectors) -> "PrecomputedVectors":
        """Return the vectors of the texts, in half precision."""
        keys = np.array([list(_key(text)) for text in texts], dtype=np.uint8)
        return cls(model_id, keys.reshape(-1, _KEY_BYTES), vectors.astype(np.float16))

    @classmethod
    def read(cls, file: Path) -> "PrecomputedVectors":
        """Return the vectors of a file; raises `OSError` or `ValueError` if it is unreadable."""
        with np.load(file, allow_pickle=False) as parts:
            return cls(str(parts["model_id"]), parts["keys"], parts["vectors"])

    def write(self, file: Path) -> None:
        """Write the file; equal vectors make equal bytes."""
        with file.open("wb") as stream:
            np.savez(
                stream,
                model_id=np.array(self.model_id),
                keys=self._keys,
                vectors=self._vectors,
            )

    def find(self, model_id: str, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the unit vectors of those of the texts that this model has here, by text."""
        if model_id != self.model_id:
            return {}
        rows = {text: self._rows.get(_key(text)) for text in texts}
        return {text: _unit(self._vectors[row]) for text, row in rows.items() if row is not None}


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:_KEY_BYTES]


def _unit(vector: NDArray[np.float16]) -> NDArray[np.float32]:
    whole = vector.astype(np.float32)
    unit: NDArray[np.float32] = whole / np.linalg.norm(whole)
    return unit
