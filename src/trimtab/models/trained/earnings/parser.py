"""Reads the statements of a report or call: metric, amount, unit, period, direction, nature."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from trimtab.models.trained.earnings import metrics, numbers
from trimtab.models.trained.earnings.linking import link
from trimtab.models.trained.earnings.metrics import Mention, find_mentions
from trimtab.models.trained.earnings.movement import Movement, clause_direction, movement
from trimtab.models.trained.earnings.nature import is_guidance
from trimtab.models.trained.earnings.numbers import Amount, find_amounts
from trimtab.models.trained.earnings.periods import basis_of, comparator_period, period_of
from trimtab.models.trained.earnings.records import FinancialStatement
from trimtab.models.trained.earnings.reportable import countable, is_reportable, is_share


@dataclass(frozen=True, slots=True)
class Context:
    """Currency, metric and nature carried over from the sentences before."""

    currency: str = "usd"
    metric: str = ""
    guidance: bool = False


_ANAPHORA = re.compile(
    r"^\W*(?:(?:and|so|but|um|uh|now)\W+)*(?:that|this|it|they|these|which|of that|of this|the (?:increase|decrease|decline|improvement|growth|\d+))\b",
    re.IGNORECASE,
)
_FILLERS = re.compile(
    r"(?:,\s*+|(?<!\s)\s++)?\b(?:uh|um|you know|i mean|kind of|sort of)\b(?:\s*,)?|<inaudible>",
    re.IGNORECASE,
)
"""Replaced by spaces of the same length, so that offsets stay."""
_PER_SHARE = re.compile(
    r"^\s*(?:per|a|for each|for every)\s+(?:[a-z-]+\s+){0,3}(?:share|unit)\b", re.IGNORECASE
)
_PER_BOE = re.compile(r"^\s*(?:per|a)\s+(?:boe|barrel|bbl)\b", re.IGNORECASE)
_ADJUSTED = re.compile(
    r"\b(?:adjusted|non-?gaap|non-gap|recurring|core|ongoing|normalized|excluding)\b", re.IGNORECASE
)
_MARGIN = re.compile(r"\bmargins?\b", re.IGNORECASE)


def read_sentence(text: str, offset: int, context: Context) -> list[FinancialStatement]:
    """Return the statements of one sentence; offsets are shifted by ``offset``."""
    amounts = [_resolve(text, amount) for amount in find_amounts(text)]
    text = _FILLERS.sub(lambda match: " " * len(match[0]), text)
    amounts = [amount for amount in amounts if amount.kind != numbers.BARE]
    if not amounts:
        return []
    mentions = find_mentions(text)
    links = link(text, amounts, mentions)
    currency = next(
        (a.unit for a in amounts if a.kind == numbers.MONEY and a.unit), context.currency
    )
    found: list[FinancialStatement] = []
    moved: Movement | None = None
    for index, (amount, mention) in enumerate(zip(amounts, links, strict=True)):
        previous = amounts[index - 1] if index else None
        moved = _moved(text, amount, previous, moved)
        reading = _Reading(text, amount, mention, moved, currency, context)
        if reading.is_statement():
            statement = reading.statement(offset)
            adjusted = any(item.metric == "adjusted_eps" for item in found)
            if statement.metric == "eps" and adjusted and moved.comparator:
                statement = replace(statement, metric="adjusted_eps")
            found.append(statement)
    return found


def _resolve(text: str, amount: Amount) -> Amount:
    """Turn a number before a noun that is counted into a count."""
    open_kind = amount.kind == numbers.BARE or (amount.kind == numbers.MONEY and not amount.unit)
    counts = open_kind and countable(text[amount.end : amount.end + 60])
    return replace(amount, kind=numbers.COUNT) if counts else amount


def _moved(text: str, amount: Amount, previous: Amount | None, last: Movement | None) -> Movement:
    """Return the movement; "or $12 million" repeats that of the amount before it."""
    if previous and last:
        gap = text[previous.end : amount.start]
        if amount.bound == "high" or re.fullmatch(
            r"\s*+,?\s*+(?:or|and)\s+(?:(?:about|approximately|roughly|an?)\s+)?",
            gap,
            re.IGNORECASE,
        ):
            own = movement(text, amount.start, amount.end)
            return own if own.change and amount.bound != "high" else last
    return movement(text, amount.start, amount.end)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One amount with what was found about it."""

    text: str
    amount: Amount
    mention: Mention | None
    moved: Movement
    currency: str
    context: Context

    @property
    def guidance(self) -> bool:
        return is_guidance(
            self.text, self.amount.start, self.amount.end, inherited=self.context.guidance
        )

    def is_statement(self) -> bool:
        return is_reportable(self.text, self.amount, self.mention, changed=self.moved.change)

    def statement(self, offset: int) -> FinancialStatement:
        unit, per_share = self._unit()
        change = self._is_change()
        metric = self._metric(per_share=per_share, change=change)
        guidance = self.guidance
        if metric == "other" and guidance:
            metric = "guidance_other"
        direction = self._direction(change=change)
        return FinancialStatement(
            metric=metric,
            amount=self._value(metric, change=change),
            unit=_unit_for(metric, unit, self.amount),
            value_kind="change" if change else "level",
            direction=direction,
            period=self._period(),
            basis=basis_of(self._clause()) if change else "",
            nature="guidance" if guidance else "result",
            bound=self.amount.bound,
            start=offset + self.amount.start,
            end=offset + self.amount.end,
            comparator=self.moved.comparator,
        )

    def _unit(self) -> tuple[str, bool]:
        amount = self.amount
        after = self.text[amount.end : amount.end + 50]
        if amount.kind == numbers.MONEY:
            currency = amount.unit or self.currency
            if _PER_BOE.search(after):
                return f"{currency}_per_boe", False
            per_share = not amount.scaled and (
                _PER_SHARE.search(after) is not None or self._names_per_share()
            )
            return (f"per_share_{currency}" if per_share else currency), per_share
        if amount.kind == numbers.QUANTITY:
            return amount.unit, False
        return amount.kind, False

    def _names_per_share(self) -> bool:
        named = self.mention is not None and self.mention.metric in metrics.PER_SHARE
        return named and abs(self.amount.value) < 200

    def _is_change(self) -> bool:
        if self.amount.kind == numbers.BASIS_POINTS:
            return True
        ratio = self.amount.kind in {numbers.PERCENT, numbers.POINTS}
        grows = self.mention is not None and self.mention.metric in metrics.GROWTHS
        return self.moved.change or (ratio and (grows or self.amount.kind == numbers.POINTS))

    def _metric(self, *, per_share: bool, change: bool) -> str:
        amount = self.amount
        ratio = amount.kind in {numbers.PERCENT, numbers.POINTS, numbers.BASIS_POINTS}
        share = amount.kind == numbers.PERCENT and not change
        if share and is_share(self.text, amount, self.mention):
            return "other"
        metric = self.mention.metric if self.mention else ""
        weak = self.mention is None or self.mention.weak
        if weak and self.context.metric and _ANAPHORA.search(self.text):
            metric = self.context.metric
        metric = metric or self._default(ratio=ratio, change=change)
        if amount.kind == numbers.MONEY:
            return self._money_metric(metric, per_share=per_share)
        return self._ratio_metric(metric, change=change) if ratio else metric

    def _default(self, *, ratio: bool, change: bool) -> str:
        if self.amount.kind == numbers.BASIS_POINTS and _MARGIN.search(self.text):
            return "gross_margin"
        if ratio and change:
            return "revenue"
        return "volume" if self.amount.kind == numbers.COUNT else "other"

    def _money_metric(self, metric: str, *, per_share: bool) -> str:
        """Return the metric that an amount of money measures."""
        if per_share and metric in {"net_income", "eps", "adjusted_eps", "operating_income"}:
            named = self.mention.text if self.mention else ""
            before = self.text[max(0, self.amount.start - 90) : self.amount.start]
            adjusted = metric == "adjusted_eps" or _ADJUSTED.search(f"{named} {before}")
            return "adjusted_eps" if adjusted else "eps"
        if self.amount.scaled and metric in {"eps", "adjusted_eps"}:
            return "net_income"
        return "revenue" if metric in metrics.GROWTHS else metrics.PROFIT_OF.get(metric, metric)

    def _ratio_metric(self, metric: str, *, change: bool) -> str:
        """Return the metric that a percentage or a number of points measures."""
        if self.amount.kind != numbers.PERCENT or not change:
            metric = metrics.MARGIN_OF.get(metric, metric)
        if change or self.amount.kind != numbers.PERCENT:
            return metric
        return {"revenue": "other", "debt": "leverage"}.get(metric, metric)

    def _direction(self, *, change: bool) -> str:
        if self.moved.direction != "none" or not change or self.moved.comparator:
            return self.moved.direction
        return clause_direction(self.text, self.amount.start, self.amount.end)

    def _value(self, metric: str, *, change: bool) -> float:
        value = self.amount.value
        if change:
            return abs(value)
        loss = (
            self.mention is not None
            and re.search(r"\bloss(?:es)?\b", self.mention.text) is not None
        )
        return -abs(value) if loss and metric in metrics.PROFITS else value

    def _period(self) -> str:
        after = self.text[self.amount.end :]
        if self.moved.comparator:
            return comparator_period(
                self.text[max(0, self.amount.start - 60) : self.amount.start] + " | " + after[:70]
            )
        return period_of(self.text[: self.amount.start], after)

    def _clause(self) -> str:
        return self.text[max(0, self.amount.start - 120) : self.amount.end + 120]


def _unit_for(metric: str, unit: str, amount: Amount) -> str:
    return (
        "count"
        if amount.kind == numbers.COUNT or (metric == "shares_outstanding" and amount.scaled)
        else unit
    )


def next_context(
    context: Context, found: Sequence[FinancialStatement], mentions: Sequence[Mention]
) -> Context:
    """Return the context for the next sentence."""
    if found:
        own = [s.metric for s in found if s.metric not in {"other", "guidance_other"}]
        return replace(
            context,
            metric=own[0] if own else found[0].metric,
            guidance=found[-1].nature == "guidance",
        )
    strong = [m.metric for m in mentions if not m.weak and m.metric != "other"]
    return replace(context, metric=strong[0] if strong else "", guidance=False)
