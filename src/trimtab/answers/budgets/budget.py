"""Spending limit for a day or a month, shared by all processes through the database."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from trimtab.answers.budgets.store import BudgetStore, Reservation
from trimtab.answers.drafts import Usage
from trimtab.answers.errors import BudgetExhausted
from trimtab.kernel.clock import Clock
from trimtab.kernel.ids import new_id

_MICROS = 1_000_000
_STALE_AFTER = timedelta(minutes=15)

Period = Literal["day", "month"]


@dataclass(frozen=True, slots=True)
class Price:
    """Token prices of a model, in US dollars per million tokens."""

    input_usd: float = 0.0
    output_usd: float = 0.0

    def of(self, usage: Usage) -> float:
        """Return the cost in US dollars."""
        tokens_usd = usage.input_tokens * self.input_usd + usage.output_tokens * self.output_usd
        return tokens_usd / 1_000_000


@dataclass(slots=True)
class Bill:
    """The cost of a call under way; settled when the call ends."""

    cost_usd: float
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Standing:
    """Spending of a budget in the current period."""

    name: str
    period: str
    """``2026-11-22`` for a day, ``2026-11`` for a month; UTC."""
    limit_usd: float
    spent_usd: float
    reserved_usd: float
    calls: int
    input_tokens: int
    output_tokens: int

    @property
    def share(self) -> float:
        """Return how much of the limit is spent or reserved; 1 when the limit is zero."""
        taken = self.spent_usd + self.reserved_usd
        return taken / self.limit_usd if self.limit_usd else 1.0


@dataclass(frozen=True, slots=True)
class Budget:
    """Spending limit for a period.

    Args:
        name: Such as ``answers`` or ``shadow``.
        limit_usd: The most in a period, reservations included.
        period: ``day`` or ``month``, in UTC.
        store: Where it is kept; processes that share the database share the budget.
        clock: Tells the period.
    """

    name: str
    limit_usd: float
    period: Period
    store: BudgetStore
    clock: Clock

    @contextmanager
    def reserved(self, worst_usd: float) -> Iterator[Bill]:
        """Reserve the maximum cost of a call and settle its bill afterwards, also after an error.

        The bill starts at ``worst_usd``; the caller lowers it to the actual cost.

        Raises:
            BudgetExhausted: The limit does not cover it.
        """
        reservation = self.reserve(worst_usd)
        bill = Bill(worst_usd)
        try:
            yield bill
        finally:
            self.settle(reservation, bill.cost_usd, bill.usage)

    def reserve(self, worst_usd: float) -> str:
        """Reserve the maximum cost of a call and return the reservation's id.

        Raises:
            BudgetExhausted: The limit does not cover it.
        """
        now = self.clock.now()
        reservation = Reservation(
            new_id("reserve", now), self.name, self._period(), _micros(worst_usd), now.isoformat()
        )
        stale = (now - _STALE_AFTER).isoformat()
        if not self.store.reserve(reservation, _micros(self.limit_usd), stale):
            raise BudgetExhausted(
                f"The budget {self.name!r} of {self.limit_usd:g} USD a {self.period} is used up."
            )
        return reservation.id

    def settle(self, reservation_id: str, cost_usd: float, usage: Usage | None = None) -> None:
        """Settle a reservation with the actual cost, which may exceed the reserved amount."""
        tokens = (usage.input_tokens, usage.output_tokens) if usage else (0, 0)
        self.store.settle(reservation_id, _micros(cost_usd), tokens)

    def standing(self) -> Standing:
        """Return the spending of the current period."""
        period = self._period()
        spent, reserved = self.store.totals(self.name, period)
        return Standing(
            self.name,
            period,
            self.limit_usd,
            spent / _MICROS,
            reserved / _MICROS,
            **self.store.usage(self.name, period),
        )

    def _period(self) -> str:
        stamp = self.clock.now().date().isoformat()
        return stamp if self.period == "day" else stamp[:7]


def _micros(usd: float) -> int:
    """Round up: many small calls must not add up to a cost that was never counted."""
    return math.ceil(round(usd * _MICROS, 6))
