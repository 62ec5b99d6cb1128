"""Finds the mentions of metrics in a sentence."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_WORDS = Path(__file__).with_name("metrics.toml")

MARGIN_OF = {
    "gross_profit": "gross_margin",
    "operating_income": "operating_margin",
    "ebitda": "ebitda_margin",
}
PROFIT_OF = {margin: profit for profit, margin in MARGIN_OF.items()}
PROFITS = frozenset({"operating_income", "net_income", "pretax_income", "ebitda", "eps"}) | {
    "adjusted_eps", "operating_margin", "ebitda_margin", "free_cash_flow", "operating_cash_flow",
}  # fmt: skip
"""Metrics that a loss makes negative."""
GROWTHS = frozenset({"organic_revenue_growth", "same_store_sales"})
"""Metrics that are changes by themselves."""
PER_SHARE = frozenset({"eps", "adjusted_eps", "dividend"})
COUNTED = frozenset({"customers", "volume", "shares_outstanding", "orders"})
RATIOS = frozenset({"tax_rate", "leverage", "gross_margin", "operating_margin", "ebitda_margin"})
COSTS = frozenset({"operating_expenses", "interest_expense", "debt", "tax_rate", "leverage"})
"""Metrics whose rise is bad news."""


@dataclass(frozen=True, slots=True)
class Mention:
    """Words of a sentence that name a metric."""

    start: int
    end: int
    metric: str
    weak: bool
    text: str


@cache
def _patterns() -> tuple[tuple[str, bool, re.Pattern[str]], ...]:
    entries = tomllib.loads(_WORDS.read_text(encoding="utf-8"))["metric"]
    return tuple(
        (
            entry["name"],
            entry.get("weak", False),
            re.compile(rf"(?<![\w$])(?:{'|'.join(entry['words'])})(?![\w])"),
        )
        for entry in entries
    )


def find_mentions(text: str) -> list[Mention]:
    """Return the mentions in reading order; the longer of two that overlap wins."""
    lower = text.lower()
    found = [
        Mention(match.start(), match.end(), name, weak, match[0])
        for name, weak, pattern in _patterns()
        for match in pattern.finditer(lower)
    ]
    found.sort(key=lambda m: (m.weak, m.start - m.end, m.start))
    taken: list[Mention] = []
    for mention in found:
        if all(mention.end <= other.start or mention.start >= other.end for other in taken):
            taken.append(mention)
    return sorted(taken, key=lambda m: m.start)
