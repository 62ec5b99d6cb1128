"""Turns text into the hashed features that the injection classifier weighs.

Words and pairs of words carry meaning, pieces of words carry misspellings and other languages, and disguises that were
undone are evidence of their own. Hashing (CRC-32 into 2^18 cells) needs no vocabulary, so the weights are one array.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from trimtab.guardrails.text.normalise import Normalised
from trimtab.guardrails.text.words import words

CELLS = 2**18
MAX_CHARACTERS = 4_000
"""Longer text is scored by its windows only."""

_PIECES = (3, 4, 5)
_SIGNS = re.compile(r"[#<>{}\[\]|*=]{3,}|<\|?/?\w+\|?>")


@dataclass(frozen=True, slots=True)
class Features:
    """A sparse vector: cell numbers, unique, and their values, same length."""

    cells: NDArray[np.int64]
    values: NDArray[np.float32]


def features(normalised: Normalised) -> Features:
    """Return the features of one text or window; an empty text has none."""
    found: defaultdict[int, float] = defaultdict(float)
    text = normalised.text[:MAX_CHARACTERS]
    sequence = words(text)
    _add(found, Counter(set(_word_tokens(sequence))))
    _add(found, Counter(_pieces(sequence)))
    for flag in _flags(text, normalised):
        found[_cell(f"f:{flag}")] += 0.5
    cells = np.fromiter(found, dtype=np.int64, count=len(found))
    return Features(cells, np.fromiter(found.values(), dtype=np.float32, count=len(found)))


def _add(found: dict[int, float], counts: Counter[str]) -> None:
    """Add a group of tokens, scaled to length 1 so that long text weighs no more than short text."""
    length = math.sqrt(sum(count * count for count in counts.values())) or 1.0
    for token, count in counts.items():
        found[_cell(token)] += count / length


def _cell(token: str) -> int:
    return crc32(token.encode()) % CELLS


def _word_tokens(sequence: list[str]) -> Iterator[str]:
    yield from (f"w:{word}" for word in sequence)
    yield from (f"b:{first} {second}" for first, second in pairwise(sequence))


def _pieces(sequence: list[str]) -> Iterator[str]:
    for word in sequence:
        edged = f"^{word[:24]}$"
        for size in _PIECES:
            for start in range(max(1, len(edged) - size + 1)):
                yield edged[start : start + size]


def _flags(text: str, normalised: Normalised) -> Iterator[str]:
    """Yield disguises and signs only: length, line breaks and alphabet separate the training sets, not the attacks."""
    yield from (disguise.value for disguise in normalised.disguises)
    if _SIGNS.search(text):
        yield "signs"
