# ruff: noqa: SIM905 - word lists read best as text.
"""Finds statements that say the opposite of a source: a negation or a comparison turned round.

Clauses are compared by their content words. A clause of the claim contradicts its sources when
every clause with the same content words has the other sign.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from trimtab.text.sentences import sentences
from trimtab.text.words import STOP_WORDS, folded, stem, words

MIN_SHARED = 0.75
"""Share of a clause's content words that another clause must have to be about the same."""
_MIN_WORDS = 2
_MAX_CLAUSES = 200
_NEGATIONS = frozenset(
    # The token "t" is the ending of n't.
    "not no never none neither nor cannot nothing t nicht kein keine keinen keinem keiner"
    " keines nie niemals nichts niemand pas jamais aucun aucune rien nunca jamás ningún"
    " ninguna ninguno nada non mai nessun nessuna nessuno niente não nenhum nenhuma niet geen"
    " nooit niets не нет нельзя никогда ничего никто لا ليس لم لن".split()
)
_WITHOUT = frozenset("without ohne sans sin senza sem zonder без بدون".split())
_PREFIXED = {
    "impossible": "possible", "unable": "able", "unavailable": "available", "unsupported": "supported", "invalid": "valid",
    "disabled": "enabled", "forbidden": "allowed", "prohibited": "allowed", "banned": "allowed", "disallowed": "allowed",
    "permitted": "allowed", "unsafe": "safe", "incorrect": "correct", "inactive": "active", "verboten": "erlaubt",
}  # fmt: skip
_POSITIVE = frozenset(("permitted",))
"""Words of `_PREFIXED` that only have another name, and do not negate."""
_PORTUGUESE = frozenset("da os um uma não são é ao".split())
"""Words that show that "no" means "in the"."""
_OPPOSITES = (
    ("rise rises rose risen increase increases increased grow grows grew grown climbed gained",
     "fall falls fell fallen decrease decreases decreased decline declines declined drop drops dropped shrank lost"),
    ("more greater higher above mehr más plus più mais meer", "less fewer lower below weniger menos moins meno minder"),
    ("atleast minimum mindestens mínimo", "atmost maximum höchstens máximo"),
    ("before earlier", "after later"),
)  # fmt: skip
_SIGNS = {
    word: (axis, positive)
    for axis, sides in enumerate(_OPPOSITES)
    for positive, side in zip((True, False), sides, strict=True)
    for word in side.split()
}
_PHRASES = (
    ("not only", ""), ("no more than", "atmost"), ("not more than", "atmost"), ("no less than", "atleast"),
    ("no fewer than", "atleast"), ("not less than", "atleast"), ("at least", "atleast"), ("at most", "atmost"),
    ("no longer", "not"), ("al menos", "atleast"), ("como máximo", "atmost"), ("au moins", "atleast"), ("au plus", "atmost"),
)  # fmt: skip
_NEGATIVE_SIGNS = re.compile("[不没沒未无無勿]|ない|ません|なかった|않|없|못")
_CUT = re.compile(
    r"[;:,()\n—–。，；]"  # noqa: RUF001 - dashes and punctuation of Chinese.
    r"|\b(?:but|and|while|whereas|although|though|because|unless|if|when|aber|und|sondern|wenn|weil|mais|pero|sino|maar|mas)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Clause:
    content: frozenset[str]
    negated: bool
    signs: frozenset[tuple[int, bool]]
    """Axis and side of each word that has an opposite; an axis with both sides is left out."""

    def opposes(self, other: "_Clause") -> bool:
        turned = {(axis, not positive) for axis, positive in self.signs}
        return self.negated != other.negated or bool(turned & other.signs)


def contradicts(claim: str, sources: Iterable[str]) -> bool:
    """Return whether a clause of the claim says the opposite of all clauses about the same."""
    known = [clause for source in sources for clause in _units(source)][:_MAX_CLAUSES]
    for part in sentences(claim):
        for clause in map(_read, _CUT.split(part.text)):
            if len(clause.content) < _MIN_WORDS:
                continue
            needed = MIN_SHARED * len(clause.content)
            same = [other for other in known if len(clause.content & other.content) >= needed]
            if same and all(clause.opposes(other) for other in same):
                return True
    return False


def _units(text: str) -> Iterator[_Clause]:
    """Yield each sentence and, when it has several, its clauses."""
    for part in sentences(text):
        pieces = _CUT.split(part.text)
        yield from map(_read, pieces)
        if len(pieces) > 1:
            yield _read(part.text)


def _read(text: str) -> _Clause:
    plain = folded(text)
    for phrase, word in _PHRASES:
        plain = plain.replace(phrase, word)
    found = words(plain)
    negations = _NEGATIONS - {"no"} if _PORTUGUESE.intersection(found) else _NEGATIONS
    negated = bool(negations.intersection(found)) or bool(_NEGATIVE_SIGNS.search(plain))
    for kind in (_WITHOUT, _PREFIXED.keys() - _POSITIVE):
        negated ^= bool(kind & set(found))
    signs = {_SIGNS[word] for word in found if word in _SIGNS}
    content = (
        stem(_PREFIXED.get(word, word))
        for word in found
        if word not in negations
        and word not in _WITHOUT
        and word not in _SIGNS
        and word not in STOP_WORDS
        and not _NEGATIVE_SIGNS.search(word)
    )
    return _Clause(
        frozenset(content),
        negated,
        frozenset(sign for sign in signs if (sign[0], not sign[1]) not in signs),
    )
