"""Converts text into the terms that keyword search compares.

Words are lower-cased, stemmed by the rules of the text's own language and stripped of accents.
Chinese, Japanese and Korean runs, which have no spaces, become pairs of characters. Two content
words in a row form a term of their own, so that passages with the query's phrases rank higher.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

from trimtab.kernel.erasable_cache import erasable_lru_cache
from trimtab.text.languages import (
    DEFAULT_LANGUAGE,
    FUNCTION_WORDS,
    LANGUAGES,
    language_of,
)
from trimtab.text.words import stemmers

ANALYSIS_VERSION = 3
"""Raised when the terms of a text change; indexes of another version are built again."""

_WORD = re.compile(r"[^\W_]+")
UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
"""Characters of Chinese, Japanese and Korean, as a regular expression's class."""
_UNSPACED = re.compile(f"[{UNSPACED}]+")
# O'Brien is also written OBrien.
_APOSTROPHE_NAME = re.compile(r"\bo['\u2019]([^\W_]+)")
# Weight of a pair of words relative to a single word; 0.1 to 0.5 were nearly equal.
_PAIR_WEIGHT = 0.2
# Number of words that are enough to detect the language of a passage.
_SAMPLE = 200


@dataclass(frozen=True, slots=True)
class AnalysedText:
    """A passage as keyword search sees it."""

    language: str
    frequencies: dict[str, int]
    """How often each term occurs, function words included."""
    length: int
    """How many words it has, function words left out; at least 1."""


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """A word of a query, and the terms that it may have become in the project's languages."""

    word: str
    variants: tuple[str, ...]
    weight: float = 1.0
    """How often it was asked for; less for a pair of words."""


def analysed(text: str) -> AnalysedText:
    """Return the terms of a passage."""
    words = list(_words(text))
    language = language_of(words[:_SAMPLE])
    terms = [_term(word, language) for word in words]
    functional = FUNCTION_WORDS[language]
    content = [term for term, word in zip(terms, words, strict=True) if word not in functional]
    frequencies = Counter(terms)
    frequencies.update(f"{first} {second}" for first, second in pairwise(content))
    return AnalysedText(language, dict(frequencies), max(1, len(content)))


def query_terms(query: str, languages: Collection[str]) -> tuple[QueryTerm, ...]:
    """Return the words of a query that say something, each once, in order, then their pairs.

    Args:
        query: What was asked.
        languages: Those of the project's passages; English is taken when there are none.

    Returns:
        The words that are not function words in the query's language; all words if no
        other word is left.
    """
    words = list(_words(query))
    known = list(languages) or [DEFAULT_LANGUAGE]
    asked_in = language_of(words)
    functional = FUNCTION_WORDS[asked_in if asked_in in known else known[0]]
    content = [word for word in words if word not in functional] or words
    pairs = (pair for pair in pairwise(content) if pair[0] != pair[1])
    weights: dict[tuple[str, ...], float] = {(word,): n for word, n in Counter(content).items()}
    weights |= {pair: n * _PAIR_WEIGHT for pair, n in Counter(pairs).items()}
    found = []
    for parts, weight in weights.items():
        variants = (" ".join(_term(part, language) for part in parts) for language in known)
        found.append(QueryTerm(" ".join(parts), tuple(dict.fromkeys(variants)), weight))
    return tuple(found)


def token_terms(token: str) -> frozenset[str]:
    """Return every term that a token of another index may become, in any of the languages."""
    return frozenset(_term(word, language) for word in _words(token) for language in LANGUAGES)


def matching_words(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, term) of each word of a passage, for highlighting."""
    language = language_of(islice(_words(text), _SAMPLE))
    for match in _WORD.finditer(text):
        for word in _words(match.group()):
            yield match.start(), match.end(), _term(word, language)


def _words(text: str) -> Iterator[str]:
    if text.isascii() and text.isalnum():
        yield text.lower()
        return
    folded = unicodedata.normalize("NFKC", text).lower()
    for match in _WORD.finditer(folded):
        word = match.group()
        if word.isascii() or not _UNSPACED.search(word):
            yield word
        else:
            yield from _pairs(word)
    if "o'" in folded or "o\u2019" in folded:
        yield from (f"o{match[1]}" for match in _APOSTROPHE_NAME.finditer(folded))


def _pairs(word: str) -> Iterator[str]:
    """Yield the parts of a word that has unspaced script in it, that script by pairs."""
    at = 0
    for run in _UNSPACED.finditer(word):
        if run.start() > at:
            yield word[at : run.start()]
        characters = run.group()
        for start in range(max(1, len(characters) - 1)):
            yield characters[start : start + 2]
        at = run.end()
    if at < len(word):
        yield word[at:]


# Words repeat: stemming a word once instead of at each place makes indexing five times faster.
@erasable_lru_cache(200_000)
def _term(word: str, language: str) -> str:
    """Return the word's stem by the language's Snowball rules, without accents."""
    stemmed: str = stemmers.of[language].stemWord(word)
    return without_accents(stemmed)


def without_accents(word: str) -> str:
    """Return the word with each letter in its plain form."""
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFD", word)
    plain = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return unicodedata.normalize("NFC", plain)
