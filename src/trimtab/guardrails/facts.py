# ruff: noqa: SIM905 - word lists read best as text.
"""Checks that numbers, dates and names in answers occur in sources."""

import re

from trimtab.guardrails.guard import Subject
from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.verdicts import Decision, Judgement
from trimtab.text.words import STOP_WORDS, stem, words

_MARK = re.compile(r"\[\d{1,3}\]")
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:[.,]\d+)*(?: ?%| percent)?", re.IGNORECASE)
_GROUPED = re.compile(r"(?<=\d)[,\u00a0\u202f](?=\d{3}(?!\d))")
_MONTHS = (
    "january february march april may june july august september october november december".split()
)
_DATE = re.compile(
    r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b"
    rf"|\b(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?({'|'.join(_MONTHS)}),? (\d{{4}})\b"
    rf"|\b({'|'.join(_MONTHS)}) (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<![.!?] )(?<!^)\b[A-ZÀ-ÖØ-Þ][\w’'-]+(?: [A-ZÀ-ÖØ-Þ][\w’'-]+)*", re.MULTILINE)  # noqa: RUF001
_SPELLED = {
    name: str(value)
    for value, name in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()
    )
}


class FactsGuard:
    """Blocks unsupported numbers and dates; warns of unsupported names."""

    name = "facts"

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        """Compare the answer with the cited quotes and the question.

        An answer without citations is allowed: there is nothing to compare it with.
        """
        if not subject.sources:
            return Judgement(Decision.ALLOW, None, "nothing is cited")
        given = "\n".join((*subject.sources, subject.question))
        wrong = unsupported(subject.text, given)
        if not wrong:
            return Judgement(Decision.ALLOW, 0.0)
        decision = Decision.WARN if wrong == ("name",) else Decision.BLOCK
        reason = f"a {' and a '.join(wrong)} does not stand in the sources"
        return Judgement(decision, 0.5 if decision is Decision.WARN else 1.0, reason, wrong)


def unsupported(claim: str, given: str) -> tuple[str, ...]:
    """Return the kinds of unsupported facts: ``date``, ``number``, ``name``."""
    claim = _MARK.sub("", claim)
    dates, known_dates = _dates(claim), _dates(given)
    rest = _DATE.sub(" ", claim)
    wrong = []
    if not dates <= known_dates:
        wrong.append("date")
    if not _numbers(rest) <= _numbers(given):
        wrong.append("number")
    known = frozenset(stem(word) for word in words(given))
    if any(not _is_known(name, known) for name in _NAME.findall(rest)):
        wrong.append("name")
    return tuple(wrong)


def _is_known(name: str, known: frozenset[str]) -> bool:
    return all(stem(word) in known for word in words(name) if word not in STOP_WORDS)


def _numbers(text: str) -> frozenset[str]:
    """Return the numbers in canonical notation.

    No digit grouping, no trailing zeros, percent as ``%``, and numbers up to twelve in digits.
    """
    plain = _GROUPED.sub("", text)
    found = {_canonical(match) for match in _NUMBER.findall(plain)}
    return frozenset(found | {_SPELLED[word] for word in words(text) if word in _SPELLED})


def _canonical(number: str) -> str:
    percent = "%" if number.endswith("%") or number.lower().endswith("percent") else ""
    digits = number.lower().removesuffix("percent").rstrip("% ").lstrip("+").replace(",", ".")
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return digits + percent


def _dates(text: str) -> frozenset[tuple[int, int, int]]:
    found = set()
    for match in _DATE.finditer(text):
        year, month, day, day2, name2, year2, name3, day3, year3 = match.groups()
        if year:
            found.add((int(year), int(month), int(day)))
        elif day2:
            found.add((int(year2), _MONTHS.index(name2.lower()) + 1, int(day2)))
        else:
            found.add((int(year3), _MONTHS.index(name3.lower()) + 1, int(day3)))
    return frozenset(found)
