"""Attacks of many kinds and their harmless look-alikes, filled from the templates of `grammar.toml`.

The licensed sets know few kinds of attack each, and other ones: a classifier trained on one of them misses a third of the
other. These examples cover the kinds that the literature names, and for each kind what an honest person writes with the
same words.
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
"""How often a text is written in capitals, in small letters, without its full stop."""


@lru_cache(maxsize=1)
def _grammar() -> Mapping[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def attacks(seed: int, count: int, tasks: Sequence[str]) -> list[str]:
    """Return attacks, the same for the same arguments; ``tasks`` are everyday requests that stand around an attack."""
    return _texts("attack", seed, count, tasks)


def harmless(seed: int, count: int, tasks: Sequence[str]) -> list[str]:
    """Return harmless texts with the words of attacks."""
    return _texts("benign", seed, count, tasks)


def _texts(kind: str, seed: int, count: int, tasks: Sequence[str]) -> list[str]:
    """Take the templates in turn, so that each one is seen as often as any other."""
    pick = random.Random(seed)  # noqa: S311 - reproducible examples, not secrets.
    templates = _grammar()[kind]["templates"]
    chosen = (templates[number % len(templates)] for number in range(count))
    return list(dict.fromkeys(_styled(pick, _filled(pick, text, tasks)) for text in chosen))


def _filled(pick: random.Random, text: str, tasks: Sequence[str]) -> str:
    slots = _grammar()["slots"]

    def fill(slot: re.Match[str]) -> str:
        return str(pick.choice(tasks if slot[1] == "task" else slots[slot[1]]))

    while _SLOT.search(text):
        text = _SLOT.sub(fill, text)
    return text[:1].upper() + text[1:]


def _styled(pick: random.Random, text: str) -> str:
    style = pick.random()
    if style < _CAPITALS:
        return text.upper()
    if style < _LOWER:
        return text.lower()
    return text.rstrip(".") if style > 1 - _NO_STOP else text
