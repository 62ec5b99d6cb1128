"""Stems of words by Snowball's rules, for keyword search and for the guards."""

import threading
from typing import Any

import Stemmer

from trimtab.kernel.erasable_cache import erasable_lru_cache

_stemmers = threading.local()


# Words repeat: stemming a word once instead of at each place makes indexing five times faster.
@erasable_lru_cache(200_000)
def stem(word: str, language: str) -> str:
    """Return the word's stem by the language's Snowball rules. The word is in lower case."""
    stemmed: str = _stemmer(language).stemWord(word)
    return stemmed


def _stemmer(language: str) -> Any:
    """Return this thread's stemmer: one keeps the word that it works on in itself."""
    found = getattr(_stemmers, language, None)
    if found is None:
        found = Stemmer.Stemmer(language, 0)
        setattr(_stemmers, language, found)
    return found
