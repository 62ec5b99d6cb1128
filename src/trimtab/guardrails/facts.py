"""Checks that numbers, dates and names in answers occur in sources."""

import re

from trimtab.guardrails.contradictions import contradicts
from trimtab.guardrails.guard import Subject
from trimtab.guardrails.quantities import (
    clocks,
    dates,
    unsupported_quantities,
    without_dates_and_clocks,
)
from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.verdicts import Decision, Judgement
from trimtab.text.words import STOP_WORDS, stem, words

_MARK = re.compile(r"\[\d{1,3}\]")
_NAME = re.compile(r"(?<![.!?] )(?<!^)\b[A-ZÀ-ÖØ-Þ][\w’'-]+(?: [A-ZÀ-ÖØ-Þ][\w’'-]+)*", re.MULTILINE)  # noqa: RUF001
_IDENTIFIER = re.compile(r"(?<![\w.])[^\W\d_]+[-_]?\d[\w.-]*\d|(?<![\w.])[vV]\d+(?:\.\d+)+")
"""Numbers of versions, tickets and parts: letters, then at least two digits."""
_JOINTS = re.compile(r"[\s_-]+")


class FactsGuard:
    """Blocks unsupported numbers and dates; warns of unsupported names."""

    name = "facts"

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        """Compare the answer with the cited quotes and the question.

        An answer without citations is allowed: there is nothing to compare it with.
        """
        if not subject.sources:
            return Judgement(Decision.ALLOW, None, "nothing is cited")
        # An answer joins the lines of a quote.
        sources = tuple(" ".join(source.split()) for source in subject.sources)
        pieces = (" ".join(piece.split()) for piece in _MARK.split(subject.text))
        if all(any(piece in source for source in sources) for piece in pieces if piece):
            return Judgement(Decision.ALLOW, 0.0)
        given = "\n".join((*subject.sources, subject.question))
        wrong = unsupported(subject.text, given)
        if contradicts(_MARK.sub("", subject.text), sources):
            wrong = (*wrong, "negation")
        if not wrong:
            return Judgement(Decision.ALLOW, 0.0)
        decision = Decision.WARN if wrong == ("name",) else Decision.BLOCK
        reason = f"a {' and a '.join(wrong)} does not stand in the sources"
        return Judgement(decision, 0.5 if decision is Decision.WARN else 1.0, reason, wrong)


def unsupported(claim: str, given: str) -> tuple[str, ...]:
    """Return the kinds of unsupported facts: ``date``, ``number``, ``name``."""
    claim = _MARK.sub("", claim)
    known_dates = {day for readings in dates(given) for day in readings}
    rest = without_dates_and_clocks(claim)
    wrong = []
    if not all(readings & known_dates for readings in dates(claim)):
        wrong.append("date")
    if (
        not frozenset(clocks(claim)) <= frozenset(clocks(given))
        or not all(_is_known_identifier(name, given) for name in _IDENTIFIER.findall(rest))
        or unsupported_quantities(rest, given)
    ):
        wrong.append("number")
    known = frozenset(stem(word) for word in words(given))
    if any(not _is_known(name, known) for name in _NAME.findall(rest)):
        wrong.append("name")
    return tuple(wrong)


def _is_known(name: str, known: frozenset[str]) -> bool:
    return all(stem(word) in known for word in words(name) if word not in STOP_WORDS)


def _is_known_identifier(name: str, given: str) -> bool:
    """Return whether the sources have the identifier, with or without its hyphens."""
    joined = re.escape(_JOINTS.sub("", name.casefold()))
    return bool(re.search(rf"{joined}(?!\.?\d)", _JOINTS.sub("", given.casefold())))
