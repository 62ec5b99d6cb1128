"""Converts text into hashed features of the injection classifier.

Words and word pairs carry meaning, character n-grams cover misspellings and other languages,
concepts transfer what was learnt in one language to others, and disguises that normalisation
removed are evidence themselves. Feature hashing (CRC-32 into 2^18 cells) needs no vocabulary, so
the weights are one array.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, starmap
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from trimtab.guardrails.injection.concepts import concepts
from trimtab.kernel.erasable_cache import erasable_lru_cache
from trimtab.text.normalise import Disguise, Normalised
from trimtab.text.words import words

CELLS = 2**18
MAX_CHARACTERS = 4_000
"""Maximum characters scored as a whole; the rest is covered by the windows of sentences."""

_NGRAM_SIZES = (3, 4, 5)
_CONCEPT_WEIGHT = 0.35
"""Weight of concepts, relative to 1 for words.

A higher weight improves other languages and worsens English (measured in the decision record).
"""
_FLAG_WEIGHT = 0.5
_MARKUP = re.compile(r"[#<>{}\[\]|*=]{3,}|<\|?/?\w+\|?>")


@dataclass(frozen=True, slots=True)
class Features:
    """Sparse vector: cell numbers and their values, of equal length.

    A cell may occur more than once; its values add up.
    """

    cells: NDArray[np.int32]
    values: NDArray[np.float32]


def features(normalised: Normalised) -> Features:
    """Return the features of a text or window; empty text has none."""
    return Cut.of(normalised.text).features(normalised.disguises)


@dataclass(frozen=True, slots=True)
class Cut:
    """Tokenized text, reused by the windows of two sentences."""

    words: Sequence[str]
    terms: Set[int]
    """The cells of words and of pairs of adjacent words."""
    pieces: NDArray[np.int32]
    """The cells of the character n-grams, repeated by their count."""
    signs: bool

    @classmethod
    def of(cls, text: str) -> "Cut":
        """Tokenize the first `MAX_CHARACTERS` characters of a text."""
        text = text[:MAX_CHARACTERS]
        sequence = words(text)
        terms = {*map(_word_cell, sequence), *starmap(_pair_cell, pairwise(sequence))}
        return cls(sequence, terms, _all_ngrams(sequence), bool(_MARKUP.search(text)))

    def followed_by(self, other: "Cut") -> "Cut":
        """Return the tokens of both texts, joined by a space."""
        across = (_pair_cell(a, b) for a, b in zip(self.words[-1:], other.words[:1], strict=False))
        return Cut(
            [*self.words, *other.words],
            {*self.terms, *other.terms, *across},
            np.concatenate((self.pieces, other.pieces)),
            self.signs or other.signs,
        )

    def features(self, disguises: Iterable[Disguise]) -> Features:
        """Return the feature vector, each group scaled to a fixed norm.

        So long text does not weigh more than short text.
        """
        terms = np.array(list(self.terms), dtype=np.int32)
        named = np.array(
            list({_concept_cell(name) for name in concepts(self.words)}), dtype=np.int32
        )
        flags = np.array([_flag_cell(name) for name in self._flags(disguises)], dtype=np.int32)
        scales = (
            1.0 / _norm_of_set(terms),
            1.0 / _norm(self.pieces),
            _CONCEPT_WEIGHT / _norm_of_set(named),
            _FLAG_WEIGHT,
        )
        groups = (terms, self.pieces, named, flags)
        values = np.repeat(np.array(scales, dtype=np.float32), [len(group) for group in groups])
        return Features(np.concatenate(groups), values)

    def _flags(self, disguises: Iterable[Disguise]) -> Iterator[str]:
        """Yield the flags of disguises and markup.

        Length, line breaks and alphabet are left out: they separate the training sets, not attacks.
        """
        yield from (disguise.value for disguise in disguises)
        if self.signs:
            yield "signs"


def _norm_of_set(cells: NDArray[np.int32]) -> float:
    """Return the Euclidean norm of distinct cells; 1 for none."""
    return math.sqrt(max(1, len(cells)))


def _norm(cells: NDArray[np.int32]) -> float:
    """Return the Euclidean norm of the cells' counts; 1 for none."""
    if not len(cells):
        return 1.0
    ordered = np.sort(cells)
    last = np.flatnonzero(ordered[1:] != ordered[:-1])
    counts = np.concatenate((last, (len(cells) - 1,))) - np.concatenate(((-1,), last))
    return math.sqrt(counts @ counts)


def _cell(token: str) -> int:
    return crc32(token.encode("utf-8", "surrogatepass")) % CELLS


# Words recur in the windows of a text and in other texts, so their cells are cached.


@erasable_lru_cache(50_000)
def _word_cell(word: str) -> int:
    return _cell(f"w:{word}")


@erasable_lru_cache(50_000)
def _pair_cell(first: str, second: str) -> int:
    return _cell(f"b:{first} {second}")


@lru_cache(maxsize=1_000)
def _concept_cell(name: str) -> int:
    return _cell(f"c:{name}")


@lru_cache(maxsize=100)
def _flag_cell(name: str) -> int:
    return _cell(f"f:{name}")


def _all_ngrams(sequence: Sequence[str]) -> NDArray[np.int32]:
    return np.concatenate([_NO_CELLS, *map(_ngram_cells, sequence)])


_NO_CELLS = np.empty(0, dtype=np.int32)


@erasable_lru_cache(50_000)
def _ngram_cells(word: str) -> NDArray[np.int32]:
    """Return the cells of the character n-grams of a word."""
    edged = f"^{word[:24]}$"
    cells = (
        _cell(edged[start : start + size])
        for size in _NGRAM_SIZES
        for start in range(max(1, len(edged) - size + 1))
    )
    return np.fromiter(cells, dtype=np.int32)
