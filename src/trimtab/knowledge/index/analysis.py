"""From text to the terms that keyword search compares.

Words are lower-cased, stemmed by the rules of the text's own language and stripped of accents.
Chinese, Japanese and Korean runs, which have no spaces, become pairs of characters.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from trimtab.knowledge.index.languages import (
    DEFAULT_LANGUAGE,
    FUNCTION_WORDS,
    language_of,
    stem,
)

ANALYSIS_VERSION = 1
"""Raised when the terms of a text change; indexes of another version are built again."""

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
# So many words tell the language of a passage.
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


def analysed(text: str) -> AnalysedText:
    """Return the terms of a passage."""
    words = list(_words(text))
    language = language_of(words[:_SAMPLE])
    terms = Counter(_term(word, language) for word in words)
    length = sum(word not in FUNCTION_WORDS[language] for word in words)
    return AnalysedText(language, dict(terms), max(1, length))


def query_terms(query: str, languages: Collection[str]) -> tuple[QueryTerm, ...]:
    """Return the words of a query that say something, each once, in order.

    Args:
        query: What was asked.
        languages: Those of the project's passages; English is taken when there are none.

    Returns:
        The words that are no function words in the query's language; all words if nothing else
        would be left.
    """
    words = list(dict.fromkeys(_words(query)))
    known = list(languages) or [DEFAULT_LANGUAGE]
    asked_in = language_of(words)
    functional = FUNCTION_WORDS[asked_in if asked_in in known else known[0]]
    telling = [word for word in words if word not in functional] or words
    return tuple(
        QueryTerm(word, tuple(dict.fromkeys(_term(word, language) for language in known)))
        for word in telling
    )


def _words(text: str) -> Iterator[str]:
    for match in _WORD.finditer(unicodedata.normalize("NFKC", text).lower()):
        word = match.group()
        if word.isascii() or not _UNSPACED.search(word):
            yield word
        else:
            yield from _pairs(word)


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


def _term(word: str, language: str) -> str:
    stemmed = stem(word, language)
    if stemmed.isascii():
        return stemmed
    decomposed = unicodedata.normalize("NFD", stemmed)
    plain = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return unicodedata.normalize("NFC", plain)
