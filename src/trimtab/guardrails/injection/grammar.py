"""Generates attacks and similar harmless texts from the templates of `grammar.toml`.

Each licensed set covers few kinds of attack, and they differ: a classifier trained on one set
misses a third of the attacks of the other. These examples cover the kinds known from the literature
and, for each kind, harmless texts with the same words.
"""

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "grammar.toml"
_SLOT = re.compile(r"\{(\w+)\}")
_CAPITALS, _LOWER, _NO_STOP = 0.05, 0.2, 0.3
"""Thresholds of a random number for upper case, for lower case, and for no full stop."""


@lru_cache(maxsize=1)
def _load_grammar() -> Mapping[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def attacks(seed: int, count: int, tasks: Sequence[str]) -> list[str]:
    """Generate attacks, the same for the same arguments.

    Args:
        seed: Seed of the random choices.
        count: Number of templates filled; duplicates are removed.
        tasks: Everyday requests that surround an attack.
    """
    return _generate("attack", seed, count, tasks)


def harmless(seed: int, count: int, tasks: Sequence[str]) -> list[str]:
    """Generate harmless texts with the words of attacks (see `attacks`)."""
    return _generate("benign", seed, count, tasks)


def _generate(kind: str, seed: int, count: int, tasks: Sequence[str]) -> list[str]:
    """Fill the templates in turn, so that each is used equally often."""
    rng = random.Random(seed)  # noqa: S311 - reproducible examples, not secrets.
    templates = _load_grammar()[kind]["templates"]
    chosen = (templates[number % len(templates)] for number in range(count))
    return list(dict.fromkeys(_vary_style(rng, _fill_slots(rng, text, tasks)) for text in chosen))


def _fill_slots(rng: random.Random, text: str, tasks: Sequence[str]) -> str:
    slots = _load_grammar()["slots"]

    def fill(slot: re.Match[str]) -> str:
        return str(rng.choice(tasks if slot[1] == "task" else slots[slot[1]]))

    while _SLOT.search(text):
        text = _SLOT.sub(fill, text)
    return text[:1].upper() + text[1:]


def _vary_style(rng: random.Random, text: str) -> str:
    style = rng.random()
    if style < _CAPITALS:
        return text.upper()
    if style < _LOWER:
        return text.lower()
    return text.rstrip(".") if style > 1 - _NO_STOP else text
