# ruff: noqa: SIM905 - word lists read best as text.
"""Normalises texts for comparison and extracts the statements of a claim.

Generated conversation comes in token notation (``i ' m``, ``45 , 700``), and the same number or
country is written in several ways. Such differences of notation must not count as new facts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from trimtab.text.sentences import sentences
from trimtab.text.words import STOP_WORDS, stem, words

_APOSTROPHE = re.compile(r"(?<=\w) ?(['’]) ?(?=(?:s|t|m|re|ve|ll|d)\b)")  # noqa: RUF001
_SEPARATOR = re.compile(r"(?<=\d) ([.,]) (?=\d)")
_HYPHEN = re.compile(r"(?<=\w) - (?=\w)")
_US = re.compile(r"\b(?:united states(?: of america)?|u\.s\.(?:a\.)?|usa|the us)(?!\w)", re.I)
_UK = re.compile(r"\b(?:united kingdom|u\.k\.|uk)(?!\w)", re.I)
_DIGITS = re.compile(r"(\d[\d.,]*?)(?:st|nd|rd|th|s)?")
_CARDINALS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
_ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
    "thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
).split()
_TENS = "thirty forty fifty sixty seventy eighty ninety hundred".split()
_SPELLED = {
    **{name: str(value) for value, name in enumerate(_CARDINALS)},
    **{name: str(value) for value, name in enumerate(_ORDINALS)},
    **{name: str(value * 10) for value, name in enumerate(_TENS, 3)},
    "thousand": "1000",
}

_END = re.compile(r"(?<=\s[.!?])\s+|(?<=[!?])\s+")
"""Sentence ends that `sentences` ignores because a lower-case letter follows."""
_LEAD = re.compile(
    r"^(?:(?:yes|yeah|no|oh|well|wow|sure|ok|okay|yep|actually|and|but|so|because|also|though|however)\b[ ,!.]*)+",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:i|we)(?:'m| am|'ve| have)?(?: also| really| just| do| only| don't| do not| did not| didn't)*"
    r"(?: not (?:really |too |quite )?sure| never heard| heard| know| think| believe| guess| read| agree| remember| hear)\b"
    r"(?: of| about)?(?: that| it| them)?(?: (?:when|who|what|how|where|why|if)\b[^,.]*)?",
    re.IGNORECASE,
)
_JOINT = re.compile(
    # Possessive quantifiers, anchored at the start of a run of blanks, keep the match linear.
    r"(?:(?<!\s)\s++)?(?:[,;]\s*+|(?<=\s)-+\s++)?\b(?:but|so|because|although|though)\b\s*+"
    r"|(?:(?<!\s)\s++)?[;!]\s*+|(?<!\s)\s++,?\s*+and (?=(?:i|they|it|he|she|we)\b)",
    re.IGNORECASE,
)
_FIRST_PERSON = frozenset(["i", "me", "my", "you", "your", "we", "our"])
MIN_KNOWN = 2
_CHAT = frozenset(
    stem(word)
    for word in (
        "yes yeah yep oh ok okay well wow hi hey hello lol haha thanks thank sure really "
        "actually also too very just like love "
        "think know guess believe hear heard say said see sounds sound great good nice cool "
        "interesting awesome wonderful "
        "favorite favourite lot lots pretty definitely maybe probably something things thing "
        "way ever even though because am "
        "im ve don didn re ll agree hope glad sorry sir madam however therefore thus overall "
        "answer question context based "
        "according passage text document information don doesn isn aren wasn get got go going "
        "make made want wanted try "
        "tell told talk wonder enjoy enjoyed prefer personally fan big quite bit kind sort people"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Clause:
    """Part of a claim that makes one statement."""

    text: str
    words: tuple[str, ...]
    terms: tuple[str, ...]


def read(text: str) -> list[str]:
    """Return the words in canonical notation.

    Numbers in digits without grouping, ordinals as numbers, countries as ``usa`` and ``uk``.
    """
    return [_SPELLED.get(word) or _number(word) for word in words(_normalise(text))]


def terms(sequence: list[str]) -> list[str]:
    """Return the stems of content words, without stop words and small talk."""
    found = (stem(word) for word in sequence if word not in STOP_WORDS)
    return [term for term in found if term not in _CHAT]


def in_first_person(sequence: tuple[str, ...] | list[str]) -> bool:
    """Return whether the words use the first or second person."""
    return bool(_FIRST_PERSON & frozenset(sequence))


def statements(claim: str, known: frozenset[str]) -> list[Clause]:
    """Return the statements of a claim to compare with the context.

    Questions and hedges such as "I'm not sure, but" are removed. A clause in the first person
    counts only when it has at least `MIN_KNOWN` stems of the context and these are at least half of
    its terms. Without any statement left, the whole claim is returned.

    Args:
        claim: One or more sentences.
        known: The stems of the words of the context.
    """
    found = [clause for clause in map(whole, _split_claim(claim)) if clause.terms]
    stated = [
        clause
        for clause in found
        if not in_first_person(clause.words) or _is_about_context(clause, known)
    ]
    return stated or found or [whole(claim)]


def _is_about_context(clause: Clause, known: frozenset[str]) -> bool:
    shared = sum(term in known for term in clause.terms)
    return shared >= MIN_KNOWN and 2 * shared >= len(clause.terms)


def whole(claim: str) -> Clause:
    """Return the whole claim as one clause."""
    sequence = read(claim)
    return Clause(_normalise(claim), tuple(sequence), tuple(terms(sequence)))


def _split_claim(claim: str) -> Iterator[str]:
    for sentence in sentences(_undo_tokenization(claim)):
        for piece in _END.split(sentence.text):
            if piece.rstrip().endswith("?"):
                continue
            for part in _JOINT.split(_HEDGE.sub(" but ", piece)):
                yield _LEAD.sub("", part.strip(" ,.!"))


def _normalise(text: str) -> str:
    return _UK.sub(" UK ", _US.sub(" USA ", _undo_tokenization(text)))


def _undo_tokenization(text: str) -> str:
    """Remove the blanks that a tokenizer inserted into words and numbers."""
    return _HYPHEN.sub("-", _SEPARATOR.sub(r"\1", _APOSTROPHE.sub(r"\1", text)))


def _number(word: str) -> str:
    """Return ``45700`` for ``45,700`` and ``4`` for ``4th``; words stay unchanged."""
    digits = _DIGITS.fullmatch(word)
    return digits[1].replace(",", "") if digits else word
