"""Hashed words and characters of a short financial text, as in tweets and headlines.

Words and pairs of words carry meaning; character n-grams cover inflection, misspelling and rare
words. Feature hashing (CRC-32) needs no vocabulary, so the weights are one array.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

WORD_CELLS, CHARACTER_CELLS = 2**16, 2**17
CELLS = WORD_CELLS + CHARACTER_CELLS
MAX_CHARACTERS = 2_000
"""Characters of a text that are read; the model is for tweets and sentences."""

_SIZES = (2, 3, 4, 5)
_REPLACED = (
    (re.compile(r"https?://\S+"), " xurl "),
    (re.compile(r"\$[A-Za-z][A-Za-z.]{0,6}\b"), " xticker "),
    (re.compile(r"\+\s?\$?\d[\d,.]*\s?%"), " xplus "),
    (re.compile(r"-\s?\$?\d[\d,.]*\s?%"), " xminus "),
    (re.compile(r"\$?\d[\d,.]{0,30}\s?%"), " xpct "),
    (re.compile(r"\$\d[\d,.]*\s?[MBKmbk]?\b"), " xusd "),
    (re.compile(r"\d[\d,.]*"), " 0 "),
)
"""Links, tickers and numbers are replaced by their kind."""
_TOKEN = re.compile(r"[\w']+|[!?%:\-#@&]")


@dataclass(frozen=True, slots=True)
class HashedText:
    """Sparse vector of a text: distinct cells below `CELLS` and the weight of each."""

    cells: NDArray[np.int64]
    values: NDArray[np.float32]


def encoder_text(text: str) -> str:
    """Return the text as the embedding model gets it: without links, whose letters mean nothing."""
    return " ".join(_REPLACED[0][0].sub(" ", text[:MAX_CHARACTERS]).split()) or text


def hash_text(text: str, rarity: NDArray[np.float32]) -> HashedText:
    """Return the vector of a text; words and characters have length 1 each.

    Args:
        text: To read.
        rarity: Inverse document frequency of each cell.
    """
    words, characters = count_cells(text)
    blocks = [_weighted(words, rarity), _weighted(characters, rarity)]
    return HashedText(
        np.concatenate([cells for cells, _ in blocks]),
        np.concatenate([values for _, values in blocks]),
    )


def count_cells(text: str) -> tuple[Counter[int], Counter[int]]:
    """Return how often each cell of words and of characters occurs."""
    normalised = normalise_text(text)
    tokens = _TOKEN.findall(normalised)
    words = Counter(crc32(gram.encode()) % WORD_CELLS for gram in _word_grams(tokens))
    characters = Counter(
        WORD_CELLS + crc32(gram.encode()) % CHARACTER_CELLS
        for gram in _character_grams(normalised.split())
    )
    return words, characters


def normalise_text(text: str) -> str:
    """Return the text in lower case, with marks at both ends and kinds instead of numbers."""
    text = text[:MAX_CHARACTERS]
    for pattern, kind in _REPLACED:
        text = pattern.sub(kind, text)
    return f"xbos {text.lower()} xeos"


def _word_grams(tokens: list[str]) -> Iterator[str]:
    yield from tokens
    for first, second in pairwise(tokens):
        yield f"{first} {second}"


def _character_grams(tokens: list[str]) -> Iterator[str]:
    for token in tokens:
        padded = f" {token} "
        for size in _SIZES:
            for at in range(max(1, len(padded) - size + 1)):
                yield padded[at : at + size]


def _weighted(
    counts: Counter[int], rarity: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    cells = np.fromiter(counts, dtype=np.int64, count=len(counts))
    times = np.fromiter(counts.values(), dtype=np.float32, count=len(counts))
    values = (1 + np.log(times)) * rarity[cells]
    length = float(np.sqrt((values**2).sum()))
    return cells, (values / length if length else values).astype(np.float32)
