"""Maps words of many languages to the concepts of an attack.

What the classifier learns from "ignore your rules" then applies to every pair of words with the
same meaning. The words are listed in `concepts.toml`.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from trimtab.kernel.erasable_cache import erasable_lru_cache

_FILE = Path(__file__).parent / "concepts.toml"
NEAR = 5
"""Maximum distance, in words, of two concepts that form a pair."""


def concepts(words: Sequence[str]) -> Iterator[str]:
    """Yield the concepts among case-folded words, and the pairs within `NEAR` words."""
    occurrences = [(at, name) for at, word in enumerate(words) if (name := _concept(word))]
    for index, (at, name) in enumerate(occurrences):
        yield name
        for later, other in occurrences[index + 1 : index + NEAR]:
            if later - at <= NEAR and other != name:
                yield f"{name} {other}"


@erasable_lru_cache(50_000)
def _concept(word: str) -> str:
    """Return the concept with the longest matching prefix, or an empty text.

    Prefixes of up to three ASCII letters must match the whole word.
    """
    known, longest = _load_prefixes()
    for size in range(min(len(word), longest), 0, -1):
        name = known.get(word[:size])
        if name and (size == len(word) or size > 3 or not word.isascii()):
            return name
    return ""


@lru_cache(maxsize=1)
def _load_prefixes() -> tuple[Mapping[str, str], int]:
    stored = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    known = {start.casefold(): name for name, starts in stored.items() for start in starts}
    return known, max(map(len, known))
