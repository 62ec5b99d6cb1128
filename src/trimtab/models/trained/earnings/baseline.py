"""Simple reading of earnings sentences to compare with: one pattern and the nearest keyword."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from trimtab.models.trained.assembly import Figures
from trimtab.models.trained.earnings.metrics import find_mentions
from trimtab.models.trained.earnings.records import FinancialStatement
from trimtab.models.trained.earnings.tone import TONES
from trimtab.models.trained.earnings.training import LabelledSentence, figures_of

NAME = "one pattern and the nearest keyword"
_AMOUNT = re.compile(
    r"(?i)(?P<currency>[$€£])?(?<![\w.,])(?P<number>\d[\d,]{0,20}(?:\.\d{1,6})?)"
    r"(?:\s?(?P<scale>thousand|million|billion|trillion)\b)?"
    r"(?:\s?(?P<unit>percent\b|%|basis points\b|cents\b|times\b))?"
)
_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_UNITS = {
    "percent": ("percent", 1.0),
    "%": ("percent", 1.0),
    "basis points": ("basis_points", 1.0),
    "cents": ("per_share_usd", 0.01),
    "times": ("multiple", 1.0),
}
_CURRENCIES = {"$": "usd", "€": "eur", "£": "gbp"}
_GOOD = re.compile(r"(?i)\b(?:grew|growth|increas\w*|improv\w*|record|strong\w*|higher|rose|up)\b")
_BAD = re.compile(r"(?i)\b(?:fell|decline\w*|decreas\w*|weak\w*|loss\w*|lower|down)\b")


def baseline_figures(sentences: Sequence[LabelledSentence]) -> Figures:
    """Return the figures of the baseline on labelled sentences."""
    read = [replace(each, found=_statements(each.quoted, each.start)) for each in sentences]
    return figures_of(read, _tones(sentences))


def _statements(text: str, start: int) -> tuple[FinancialStatement, ...]:
    """Return each amount with a currency, scale or unit, and the metric named nearest to it."""
    mentions = find_mentions(text)
    found = []
    for match in _AMOUNT.finditer(text):
        if not (match["currency"] or match["scale"] or match["unit"]):
            continue
        unit, factor = _UNITS.get((match["unit"] or "").lower(), ("", 1.0))
        amount = float(match["number"].replace(",", "")) * factor
        nearest = min(mentions, key=lambda each: _distance(each.start, match), default=None)
        found.append(
            FinancialStatement(
                metric=nearest.metric if nearest else "other",
                amount=amount * _SCALES.get((match["scale"] or "").lower(), 1.0),
                unit=unit or _CURRENCIES.get(match["currency"] or "", "usd"),
                value_kind="level",
                direction="none",
                period="",
                basis="",
                nature="result",
                bound="",
                start=start + match.start(),
                end=start + match.end(),
            )
        )
    return tuple(found)


def _distance(at: int, match: re.Match[str]) -> int:
    return abs(at - match.start())


def _tones(sentences: Sequence[LabelledSentence]) -> NDArray[np.float64]:
    """Return 1 for the tone of which a sentence has more words."""
    shares = np.zeros((len(sentences), len(TONES)))
    for at, sentence in enumerate(sentences):
        balance = len(_GOOD.findall(sentence.quoted)) - len(_BAD.findall(sentence.quoted))
        tone = "neutral" if not balance else "positive" if balance > 0 else "negative"
        shares[at, TONES.index(tone)] = 1.0
    return shares
