"""Turns text into the hashed features that the injection classifier weighs.

Words and pairs of words carry meaning, pieces of words carry misspellings and other languages, concepts carry what was
learnt in one language into the others, and disguises that were undone are evidence of their own. Hashing (CRC-32 into 2^18 cells) needs no vocabulary, so the weights are one array.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from trimtab.guardrails.injection.concepts import concepts
from trimtab.guardrails.text.normalise import Normalised
from trimtab.guardrails.text.words import words

CELLS = 2**18
MAX_CHARACTERS = 4_000
"""Longer text is scored by its windows only."""

_PIECES = (3, 4, 5)
_CONCEPTS_WEIGH = 0.35
"""Beside 1 for the words: higher knows other languages better and English worse (the decision record has figures)."""
_SIGNS = re.compile(r"[#<>{}\[\]|*=]{3,}|<\|?/?\w+\|?>")


@dataclass(frozen=True, slots=True)
class Features:
    """A sparse vector: cell numbers, unique, and their values, same length."""

    cells: NDArray[np.int64]
    values: NDArray[np.float32]


def features(normalised: Normalised) -> Features:
    """Return the features of one text or window; an empty text has none."""
    found: dict[int, float] = {}
    text = normalised.text[:MAX_CHARACTERS]
    sequence = words(text)
    pairs = {_cell(f"b:{first} {second}") for first, second in pairwise(sequence)}
    _add(found, Counter({_cell(f"w:{word}") for word in sequence} | pairs))
    _add(found, Counter(chain.from_iterable(map(_pieces, sequence))))
    known = {_cell(f"c:{name}") for name in concepts(sequence)}
    _add(found, Counter(known), _CONCEPTS_WEIGH)
    for flag in _flags(text, normalised):
        cell = _cell(f"f:{flag}")
        found[cell] = found.get(cell, 0.0) + 0.5
    cells = np.fromiter(found, dtype=np.int64, count=len(found))
    return Features(cells, np.fromiter(found.values(), dtype=np.float32, count=len(found)))


def _add(found: dict[int, float], counts: Counter[int], weight: float = 1.0) -> None:
    """Add a group of cells, scaled to one length so that long text weighs no more than short text."""
    length = math.sqrt(sum(count * count for count in counts.values())) or 1.0
    for cell, count in counts.items():
        found[cell] = found.get(cell, 0.0) + weight * count / length


def _cell(token: str) -> int:
    return crc32(token.encode("utf-8", "surrogatepass")) % CELLS


@lru_cache(maxsize=50_000)
def _pieces(word: str) -> tuple[int, ...]:
    """Return the cells of the word's pieces; words come again, so most of the work is done once."""
    edged = f"^{word[:24]}$"
    return tuple(
        _cell(edged[start : start + size])
        for size in _PIECES
        for start in range(max(1, len(edged) - size + 1))
    )


def _flags(text: str, normalised: Normalised) -> Iterator[str]:
    """Yield disguises and signs only: length, line breaks and alphabet separate the training sets, not the attacks."""
    yield from (disguise.value for disguise in normalised.disguises)
    if _SIGNS.search(text):
        yield "signs"
