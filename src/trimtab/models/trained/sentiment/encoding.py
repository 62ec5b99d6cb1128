"""Texts as the sentiment analyzer reads them: n-grams, and the states of two encoders."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from trimtab.models.ports import TextEncoder
from trimtab.models.trained.sentiment.features import (
    MAX_CHARACTERS,
    TextGrams,
    count_grams,
    encoder_text,
)

QUESTION = "is this good or bad news for the share price?"
"""The cross-encoder reads each text with it."""


@dataclass(frozen=True, slots=True)
class EncodedTexts:
    """N-grams and encoder states of texts.

    Attributes:
        grams: Of words and characters.
        vectors: Of the embedding model, shape (texts, dimensions).
        states: Of the cross-encoder, shape (texts, dimensions).
    """

    grams: tuple[TextGrams, ...]
    vectors: NDArray[np.float32]
    states: NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.grams)

    @property
    def both(self) -> NDArray[np.float32]:
        """Return the states of the two encoders, one after the other."""
        return np.hstack([self.vectors, self.states])

    def part(self, rows: NDArray[np.intp]) -> Self:
        """Return some of the texts."""
        grams = tuple(self.grams[at] for at in rows)
        return type(self)(grams, self.vectors[rows], self.states[rows])


def encode_texts(texts: Sequence[str], encoder: TextEncoder) -> EncodedTexts:
    """Return the texts as training and prediction use them; both encoders read no links."""
    read = [encoder_text(text) for text in texts]
    return EncodedTexts(
        tuple(count_grams(text[:MAX_CHARACTERS]) for text in texts),
        np.asarray(encoder.embed(read), dtype=np.float32),
        np.asarray(encoder.read(QUESTION, read), dtype=np.float32),
    )
