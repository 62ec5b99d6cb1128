"""Turns text into the hashed features that the injection classifier weighs.

Words and pairs of words carry meaning, pieces of words carry misspellings and other languages, concepts carry what was
learnt in one language into the others, and disguises that were undone are evidence of their own. Hashing (CRC-32 into 2^18 cells) needs no vocabulary, so the weights are one array.
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
"""Longer text is scored by its windows only."""

_PIECES = (3, 4, 5)
_CONCEPTS_WEIGH = 0.35
"""Beside 1 for the words: higher knows other languages better and English worse (the decision record has figures)."""
_FLAGS_WEIGH = 0.5
_SIGNS = re.compile(r"[#<>{}\[\]|*=]{3,}|<\|?/?\w+\|?>")


@dataclass(frozen=True, slots=True)
class Features:
    """A sparse vector: cell numbers and their values, same length. A cell may come more than once; its values add up."""

    cells: NDArray[np.int32]
    values: NDArray[np.float32]


def features(normalised: Normalised) -> Features:
    """Return the features of one text or window; an empty text has none."""
    return Cut.of(normalised.text).features(normalised.disguises)


@dataclass(frozen=True, slots=True)
class Cut:
    """A text cut into what its features are made of, so that a window of two sentences need not cut them again."""

    words: Sequence[str]
    terms: Set[int]
    """The cells of words and of pairs of neighbours."""
    pieces: NDArray[np.int32]
    """The cells of the words' pieces, as often as they come."""
    signs: bool

    @classmethod
    def of(cls, text: str) -> "Cut":
        """Cut the beginning of the text, `MAX_CHARACTERS` long."""
        text = text[:MAX_CHARACTERS]
        sequence = words(text)
        terms = {*map(_word, sequence), *starmap(_pair, pairwise(sequence))}
        return cls(sequence, terms, _all_pieces(sequence), bool(_SIGNS.search(text)))

    def followed_by(self, other: "Cut") -> "Cut":
        """Return the cut of both texts with a space between them."""
        across = (_pair(a, b) for a, b in zip(self.words[-1:], other.words[:1], strict=False))
        return Cut(
            [*self.words, *other.words],
            {*self.terms, *other.terms, *across},
            np.concatenate((self.pieces, other.pieces)),
            self.signs or other.signs,
        )

    def features(self, disguises: Iterable[Disguise]) -> Features:
        """Return the features: each group of cells is scaled to one length, so that long text weighs no more than short text."""
        terms = np.array(list(self.terms), dtype=np.int32)
        named = np.array(list({_concept(name) for name in concepts(self.words)}), dtype=np.int32)
        flags = np.array([_flag(name) for name in self._flags(disguises)], dtype=np.int32)
        scales = (
            1.0 / _length_once(terms),
            1.0 / _length(self.pieces),
            _CONCEPTS_WEIGH / _length_once(named),
            _FLAGS_WEIGH,
        )
        groups = (terms, self.pieces, named, flags)
        values = np.repeat(np.array(scales, dtype=np.float32), [len(group) for group in groups])
        return Features(np.concatenate(groups), values)

    def _flags(self, disguises: Iterable[Disguise]) -> Iterator[str]:
        """Yield disguises and signs only: length, line breaks and alphabet separate the training sets, not the attacks."""
        yield from (disguise.value for disguise in disguises)
        if self.signs:
            yield "signs"


def _length_once(cells: NDArray[np.int32]) -> float:
    """Return the length of the vector with a 1 in each of the cells; 1 for none."""
    return math.sqrt(max(1, len(cells)))


def _length(cells: NDArray[np.int32]) -> float:
    """Return the length of the vector that says how often each cell comes; 1 for none."""
    if not len(cells):
        return 1.0
    ordered = np.sort(cells)
    last = np.flatnonzero(ordered[1:] != ordered[:-1])
    counts = np.concatenate((last, (len(cells) - 1,))) - np.concatenate(((-1,), last))
    return math.sqrt(counts @ counts)


def _cell(token: str) -> int:
    return crc32(token.encode("utf-8", "surrogatepass")) % CELLS


# Words come again, in the windows of a text and in other texts, so most of the work is done once.


@erasable_lru_cache(50_000)
def _word(word: str) -> int:
    return _cell(f"w:{word}")


@erasable_lru_cache(50_000)
def _pair(first: str, second: str) -> int:
    return _cell(f"b:{first} {second}")


@lru_cache(maxsize=1_000)
def _concept(name: str) -> int:
    return _cell(f"c:{name}")


@lru_cache(maxsize=100)
def _flag(name: str) -> int:
    return _cell(f"f:{name}")


def _all_pieces(sequence: Sequence[str]) -> NDArray[np.int32]:
    return np.concatenate([_NO_CELLS, *map(_pieces, sequence)])


_NO_CELLS = np.empty(0, dtype=np.int32)


@erasable_lru_cache(50_000)
def _pieces(word: str) -> NDArray[np.int32]:
    """Return the cells of the word's pieces."""
    edged = f"^{word[:24]}$"
    cells = (
        _cell(edged[start : start + size])
        for size in _PIECES
        for start in range(max(1, len(edged) - size + 1))
    )
    return np.fromiter(cells, dtype=np.int32)
