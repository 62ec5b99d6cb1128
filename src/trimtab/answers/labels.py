# ruff: noqa: RUF001 - dashes between years, and months of several languages.
"""Labels that a question names: "hall B", "phase 3", a year.

A document says much the same about each of several halls, phases or years, so a sentence about
another one shares nearly all words with the question and does not answer it.
"""

import re
from dataclasses import dataclass

from trimtab.answers.units import PassageUnits, Unit
from trimtab.text.words import STOP_WORDS, stems

_LABEL = re.compile(
    r"(?<![\w-])(?P<noun>[A-Za-z]{3,20}) (?P<value>[A-HJ-Z]|\d{1,4})(?![\w.,:/%°-])"
)
_COMPARE = frozenset(
    {"over", "under", "above", "below", "least", "most", "about", "around", "within", "only"}
    | {"exactly", "nearly", "almost", "every", "next", "last", "first", "past", "another"}
)
"""What stands before an amount: "people over 60" may answer a question for those over 65."""
_LIST = r"(?: ?[-–—] ?| to | and | or | through |, )"
_YEAR = re.compile(r"(?<![\d.,:/#$€£-])(?:1[5-9]|20)\d\d(?![\d%]|[.,:/-]\d)")
# A number of four digits is a year where a date has one; "1850 rpm" is none.
_YEAR_IN_TEXT = re.compile(
    r"(?:^|[(;] ?|\b(?:in|of|years?|for|during|the|early|late|en|im|jahr|del?|año|dans|année|в|за) "
    r"|\b(?:jan|feb|m[aä]r|apr|abr|avr|ma[iy]|jun|jul|jui|aug|ao[uû]|ago|sep|o[ck]t|nov|de[czé]|ene)"
    r"[^\W\d_]{0,7}\.?,? (?:\d{1,2},? )?)(?:1[5-9]|20)\d\d(?![\w%]|[.,:/]\d)"
    r"|(?<!\d)(?:1[5-9]|20)\d\d(?:-\d\d-\d\d|年)",
    re.IGNORECASE,
)
_PERIOD = re.compile(
    r"\d ?[-–—] ?\d{2}|\b(?:before|after|since|until|till|from|between|by|prior|than|onwards?|ago"
    r"|vor|nach|seit|bis|ab|zwischen|avant|après|depuis|jusqu|entre|antes|después|desde|hasta)\b",
    re.IGNORECASE,
)

_EXCEPTION = re.compile(
    r"\b(?:except|only|other|others|all|every|each|any|unless|besides|außer|nur|alle|sauf|tous"
    r"|seulement|excepto|solo|todos)\b",
    re.IGNORECASE,
)
_YEAR_DIGITS = 4


@dataclass(frozen=True, slots=True)
class NamedLabel:
    """A label in a question; a unit that names only another one of its kind is not about it.

    Other than a `NamedCode`, it may be missing: a sentence without any is about the one above it.
    """

    itself: re.Pattern[str]
    alike: re.Pattern[str]
    """Matches others of its kind, but no range and no list."""
    covers: re.Pattern[str]
    """Matches a text that may be about several."""
    stems: frozenset[str]

    @classmethod
    def all_in(cls, question: str, *, asks_for_time: bool) -> "tuple[NamedLabel, ...]":
        """Return those of a question; the answer of one for a time may have another year."""
        found = [
            cls._of(label["noun"], label["value"])
            for label in _LABEL.finditer(question)
            if label["noun"].lower() not in STOP_WORDS | _COMPARE
        ]
        years = set(_YEAR.findall(question))
        if len(years) == 1 and not asks_for_time and not _PERIOD.search(question):
            (year,) = years
            itself = re.compile(rf"(?<!\d){year}(?!\d)")
            found.append(cls(itself, _YEAR_IN_TEXT, _PERIOD, frozenset(stems(year))))
        return tuple(found)

    @classmethod
    def _of(cls, noun: str, value: str) -> "NamedLabel":
        # The "A" of "A crane stands in hall B" is an article, not the label A.
        article = r"(?:(?<=[^\s.!?] )|(?<!\w)(?!A [a-z]))" if value == "A" else ""
        itself = re.compile(rf"(?<!\w){article}{value}(?!\w)")
        kind = (
            r"[A-Z]" if value.isalpha() else r"\d{4}" if len(value) == _YEAR_DIGITS else r"\d{1,3}"
        )
        alike = rf"(?<![\w-])(?i:{noun}) {kind}(?!\w|[.,:/-]\w|{_LIST})"
        return cls(itself, re.compile(alike), _EXCEPTION, frozenset(stems(value)))

    def is_contradicted(self, unit: Unit, piece: PassageUnits) -> bool:
        """Return whether a unit names another one, and nothing here names this one."""
        text = unit.shown
        if self.itself.search(text) or not self.alike.search(text) or self.covers.search(text):
            return False
        return not self.stems <= unit.context | unit.asked | piece.place
