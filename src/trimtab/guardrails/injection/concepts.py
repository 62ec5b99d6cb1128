"""The parts of an attack that a text shows, in whatever language: which concepts, and which ones close together.

What a classifier learns of "ignore your rules" it then knows of every pair of words that means the same. The words stand
in `concepts.toml`.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from trimtab.kernel.erasable_cache import erasable_lru_cache

_FILE = Path(__file__).parent / "concepts.toml"
NEAR = 5
"""How many words apart two concepts are still seen together."""


def concepts(words: Sequence[str]) -> Iterator[str]:
    """Yield the names of the concepts among case-folded words, and of those that follow one another closely."""
    places = [(at, name) for at, word in enumerate(words) if (name := _concept(word))]
    for index, (at, name) in enumerate(places):
        yield name
        for later, other in places[index + 1 : index + NEAR]:
            if later - at <= NEAR and other != name:
                yield f"{name} {other}"


@erasable_lru_cache(50_000)
def _concept(word: str) -> str:
    """Return the concept with the longest beginning of the word, or nothing; short beginnings are whole words."""
    known, longest = _beginnings()
    for size in range(min(len(word), longest), 0, -1):
        name = known.get(word[:size])
        if name and (size == len(word) or size > 3 or not word.isascii()):
            return name
    return ""


@lru_cache(maxsize=1)
def _beginnings() -> tuple[Mapping[str, str], int]:
    stored = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    known = {start.casefold(): name for name, starts in stored.items() for start in starts}
    return known, max(map(len, known))
