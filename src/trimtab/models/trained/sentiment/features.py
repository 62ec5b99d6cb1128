"""Words and characters of a short financial text, as in tweets and headlines.

Words, pairs and triples carry meaning, also with a gap; character n-grams cover inflection,
misspelling and rare words. An n-gram is known by its CRC-32, so the vocabulary is one array.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

MAX_CHARACTERS = 2_000
"""Characters of a text that are read; the model is for tweets and sentences."""

_MIN_TEXTS = 2
"""An n-gram of fewer texts has no weight."""
_BLOCK_SCALES = (1.0, 0.7, 1.0)
"""Length of the vector of words and pairs, of triples and gaps, of characters."""
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
class GramBlock:
    """Distinct n-grams of one kind in a text, by their CRC-32, and how often each occurs."""

    keys: NDArray[np.uint32]
    counts: NDArray[np.float32]


TextGrams = tuple[GramBlock, ...]
"""Words and pairs, triples and gaps, characters of a text."""


@dataclass(frozen=True, slots=True)
class WeightedGrams:
    """Sparse vector of a text: positions in the vocabulary and the value of each."""

    positions: NDArray[np.intp]
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """N-grams that have a weight.

    Attributes:
        keys: CRC-32 of each, ascending.
        rarity: Inverse document frequency of each.
    """

    keys: NDArray[np.uint32]
    rarity: NDArray[np.float32]

    def weigh(self, grams: TextGrams) -> WeightedGrams:
        """Return the vector of a text; each block of n-grams has a fixed length."""
        positions, values = [], []
        for block, scale in zip(grams, _BLOCK_SCALES, strict=True):
            at = np.searchsorted(self.keys, block.keys)
            at[at == len(self.keys)] = 0
            known = self.keys[at] == block.keys
            weighted = (1 + np.log(block.counts[known])) * self.rarity[at[known]]
            length = float(np.sqrt((weighted**2).sum()))
            positions.append(at[known])
            values.append(scale * weighted / (length or 1.0))
        return WeightedGrams(np.concatenate(positions), np.concatenate(values).astype(np.float32))


def learn_vocabulary(texts: Sequence[TextGrams]) -> Vocabulary:
    """Return the n-grams that occur in at least two of the texts.

    Args:
        texts: At least one.
    """
    found = np.concatenate([block.keys for grams in texts for block in grams])
    keys, frequency = np.unique(found, return_counts=True)
    keys, frequency = keys[frequency >= _MIN_TEXTS], frequency[frequency >= _MIN_TEXTS]
    rarity = np.log((1 + len(texts)) / (1 + frequency)) + 1
    return Vocabulary(keys, rarity.astype(np.float32))


def encoder_text(text: str) -> str:
    """Return the text as the embedding model gets it: without links, whose letters mean nothing."""
    return " ".join(_REPLACED[0][0].sub(" ", text[:MAX_CHARACTERS]).split()) or text


def count_grams(text: str) -> TextGrams:
    """Return how often each n-gram of words and of characters occurs."""
    normalised = normalise_text(text)
    tokens = _TOKEN.findall(normalised)
    kinds = (_word_grams(tokens), _wide_grams(tokens), _character_grams(normalised.split()))
    return tuple(_block(kind, grams) for kind, grams in enumerate(kinds))


def _block(kind: int, grams: Iterable[str]) -> GramBlock:
    # The kind is the start value: a word and the same characters have different keys.
    counts = Counter(crc32(gram.encode("utf-8", "surrogatepass"), kind) for gram in grams)
    return GramBlock(
        np.fromiter(counts, dtype=np.uint32, count=len(counts)),
        np.fromiter(counts.values(), dtype=np.float32, count=len(counts)),
    )


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


def _wide_grams(tokens: list[str]) -> Iterator[str]:
    """Yield triples, and pairs over a gap of one or two words."""
    for first, second, third in zip(tokens, tokens[1:], tokens[2:], strict=False):
        yield f"{first} {second} {third}"
        yield f"{first} _ {third}"
    for first, last in zip(tokens, tokens[3:], strict=False):
        yield f"{first} __ {last}"


def _character_grams(tokens: list[str]) -> Iterator[str]:
    for token in tokens:
        padded = f" {token} "
        for size in _SIZES:
            for at in range(max(1, len(padded) - size + 1)):
                yield padded[at : at + size]
