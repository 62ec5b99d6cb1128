"""Links each amount of a sentence to the mention of a metric that it measures."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from trimtab.models.trained.earnings import metrics, numbers
from trimtab.models.trained.earnings.metrics import Mention
from trimtab.models.trained.earnings.numbers import Amount

_BARRIERS = (
    (re.compile(r"[;:]"), 6.0),
    (re.compile(r","), 1.0),
    (re.compile(r"\b(?:driven by|due to|because|as a result|reflect(?:ing|s)|resulting|offset|thanks to|led by|excluding|including|despite|while|whereas|but|primarily|given)\b"), 5.0),
    (re.compile(r"\b(?:and|or)\b"), 1.0),
    (re.compile(r"\b(?:which|that|where|who)\b"), 1.0),
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_][\w'&-]*")
_DIRECT = re.compile(
    r"^\s*(?:(?:year[- ]over[- ]year|sequential|annual|total|net)\s+)?(?:(?:increase|decrease|growth|decline|improvement|reduction|rise|drop|gain|expansion|contraction|impact|benefit|worth)\s+)?"
    r"(?:(?:of|in|for|on|to|under|from|as)\s+)?(?:(?:our|the|their|its|total|a|additional|new|annual|annualized|adjusted|reported|net|consolidated|overall|third|second|first|fourth|quarter|full|year)\s+)*(?:[a-z][\w&'-]*\s+){0,2}$",
    re.IGNORECASE,
)
_NOT_DIRECT = re.compile(
    r"\b(?:and|or|was|were|is|are|which|that|compared|versus|but|by|with|due|our|to|than|up|down)\b|[,;.]",
    re.IGNORECASE,
)
_WEAK, _MISMATCH, _LIMIT = 4.0, 14.0, 26.0
_PER_SHARE = re.compile(r"^\s*(?:per|a)\s+(?:[a-z-]+\s+){0,2}share\b", re.IGNORECASE)
_SHARED = metrics.PER_SHARE | {"net_income", "other"}
_RESPECTIVELY = re.compile(r"\brespectively\b", re.IGNORECASE)


_NO_METRICS: frozenset[str] = frozenset()
_MONEY_METRICS = frozenset({"cash", "liquidity", "shares_outstanding"})
_POINTS_NEVER = _MONEY_METRICS | {"eps", "adjusted_eps", "capex", "debt", "buyback"}
_COUNTABLE = metrics.COUNTED | {"backlog", "buyback"}
_ONLY = {
    numbers.COUNT: _COUNTABLE,
    numbers.QUANTITY: _COUNTABLE,
    numbers.MULTIPLE: frozenset({"leverage"}),
}
"""Metrics that take a unit, for units that few take."""
_NEVER = {
    numbers.POINTS: _POINTS_NEVER,
    numbers.BASIS_POINTS: _POINTS_NEVER,
    numbers.MONEY: metrics.GROWTHS | {"tax_rate", "leverage", "customers", "volume"},
}
"""Metrics that do not take a unit."""


@dataclass(frozen=True, slots=True)
class Link:
    """A mention and how far it is from the amount, in words and barriers."""

    mention: Mention
    cost: float


def link(text: str, amounts: Sequence[Amount], mentions: Sequence[Mention]) -> list[Mention | None]:
    """Return for each amount the mention that it measures, None without one near enough."""
    usable = [m for m in mentions if not any(_overlap(m, a) for a in amounts)]
    links = [_best(text, amount, usable) for amount in amounts]
    if _RESPECTIVELY.search(text):
        _pair_lists(text, amounts, usable, links)
    return links


def _overlap(mention: Mention, amount: Amount) -> bool:
    return mention.start < amount.end and amount.start < mention.end


def _best(text: str, amount: Amount, mentions: Sequence[Mention]) -> Mention | None:
    links = [Link(mention, _cost(text, amount, mention)) for mention in mentions]
    best = min(links, key=lambda item: item.cost, default=None)
    return best.mention if best and best.cost <= _LIMIT else None


def _cost(text: str, amount: Amount, mention: Mention) -> float:
    cost = (_WEAK if mention.weak else 0.0) + _mismatch(text, amount, mention)
    if mention.end <= amount.start:
        gap = text[mention.end : amount.start]
        return cost + 1.0 + _distance(gap)
    gap = text[amount.end : mention.start]
    if _DIRECT.search(gap) and not _NOT_DIRECT.search(_after_preposition(gap)):
        return cost + 0.4 * len(_WORD.findall(gap))
    return cost + 3.0 + 1.6 * _distance(gap)


def _after_preposition(gap: str) -> str:
    return re.sub(
        r"^\s*(?:\w+\s+){0,2}?(?:of|in|for|on|to|under|from)\s+(?:our\s+)?", " ", gap, count=1
    )


def _distance(gap: str) -> float:
    words = len(_WORD.findall(gap))
    barriers = sum(weight * len(pattern.findall(gap.lower())) for pattern, weight in _BARRIERS)
    return 0.8 * words + barriers


def _mismatch(text: str, amount: Amount, mention: Mention) -> float:
    """Return the cost of a unit that the metric does not take."""
    metric, kind = mention.metric, amount.kind
    if _PER_SHARE.search(text[amount.end : amount.end + 40]):
        return 0.0 if metric in _SHARED else _MISMATCH
    if kind in _ONLY:
        return 0.0 if metric in _ONLY[kind] else _MISMATCH
    if metric in _NEVER.get(kind, _NO_METRICS):
        return _MISMATCH
    if kind != numbers.MONEY:
        return 2.0 if metric in _MONEY_METRICS else 0.0
    if metric in metrics.PER_SHARE:
        return _MISMATCH if amount.scaled and metric != "dividend" else 0.0
    return 4.0 if not amount.scaled and abs(amount.value) < 1000 else 0.0


def _pair_lists(
    text: str, amounts: Sequence[Amount], mentions: Sequence[Mention], links: list[Mention | None]
) -> None:
    """Pair the last amounts before "respectively" with as many metrics before them, in order."""
    at = _RESPECTIVELY.search(text)
    if at is None:
        return
    listed = [i for i, amount in enumerate(amounts) if amount.end <= at.start()]
    group = _last_group(text, amounts, listed)
    before = (
        [m for m in mentions if not m.weak and m.end <= amounts[group[0]].start] if group else []
    )
    if len(group) < 2:
        return
    names = before[-len(group) :]
    spread = amounts[group[0]].start - (names[0].start if names else 0)
    if len(names) == len(group) and spread < 260:
        for index, mention in zip(group, names, strict=True):
            links[index] = mention


def _last_group(text: str, amounts: Sequence[Amount], listed: list[int]) -> list[int]:
    group: list[int] = []
    for index in reversed(listed):
        if group and not re.fullmatch(
            r"[\s,]*+(?:(?:and|or)\s*+)?(?:(?:about|approximately|roughly)\s*+)?",
            text[amounts[index].end : amounts[group[0]].start],
            re.IGNORECASE,
        ):
            break
        group.insert(0, index)
    return group
