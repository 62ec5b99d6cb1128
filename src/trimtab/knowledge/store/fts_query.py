"""Builds FTS5 queries from free text, with the word analysis of the search indexes.

SQLite splits a text into tokens by rules of its own: no stems, no compatibility forms, and a run of
Chinese is one token. So a query's words are compared, as the indexes would, with the tokens that
exist, and SQLite is asked for those.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence

from trimtab.text.analysis import QueryTerm, query_terms, token_terms, without_accents
from trimtab.text.languages import LANGUAGES

TokensBetween = Callable[[str, str], Iterable[str]]
"""Returns the full-text index's tokens from the first to below the second, or to the end."""

_NOT_ASCII = "\x80"
# Tokens that begin otherwise cannot become the same term, so they need no analysis.
_SAME_START = 2
_MAX_TOKENS = 500


def full_text_query(query: str, tokens_between: TokensBetween) -> str:
    """Return the FTS5 query that matches any of the words; empty when no passage has one.

    Words are quoted, so that no query can be read as FTS5 syntax.
    """
    terms = [term for term in query_terms(query, LANGUAGES) if " " not in term.word]
    found = list(dict.fromkeys(_matching(terms, tokens_between)))
    # O'Brien is two tokens here, and one word of the indexes as well.
    found += [f"o {term.word[1:]}" for term in terms if re.fullmatch(r"o[^\W_]{2,}", term.word)]
    return " OR ".join(f'"{token}"' for token in found[:_MAX_TOKENS])


def _matching(terms: Sequence[QueryTerm], tokens_between: TokensBetween) -> Iterator[str]:
    """Yield the tokens that have a term in common with the query."""
    variants = {variant for term in terms for variant in (term.word, *term.variants)}
    starts = tuple({variant[:_SAME_START] for variant in variants})
    # Compatibility forms and accents stand behind ASCII letters, or have ranges of their own.
    ranges = {(first, chr(ord(first) + 1)) for first in {s[0] for s in starts} if first.isascii()}
    unspaced = tuple(variant for variant in variants if not variant.isascii())
    for first, last in sorted(ranges | {(_NOT_ASCII, "")}):
        for token in tokens_between(first, last):
            plain = without_accents(unicodedata.normalize("NFKC", token).lower())
            alike = plain.startswith(starts) or any(part in plain for part in unspaced)
            if alike and not variants.isdisjoint(token_terms(token)):
                yield token
