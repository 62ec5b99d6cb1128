"""A generator whose tokens are paid for, under a budget."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from trimtab.answers.budgets import Bill, Budget, Price
from trimtab.answers.errors import BudgetExhausted, GeneratorUnavailable
from trimtab.answers.generate import Draft, Generator, Usage
from trimtab.answers.pieces import DraftSentence, pieces
from trimtab.answers.records import Passage

_FRAMING_BYTES = 2_000
"""Instructions, roles and numbering around question and passages."""


@dataclass(frozen=True, slots=True)
class MeteredGenerator:
    """Reserves the most that a call can cost, makes the call, settles what it did cost.

    A call that fails is settled with the cost of its input: the provider has read it and may bill it.
    """

    inner: Generator
    price: Price
    budget: Budget | None
    """None only prices the call: whoever makes it has reserved the money."""
    max_tokens: int = 400

    def generate(self, question: str, passages: Sequence[Passage]) -> Draft:
        """Return the inner draft with its cost in ``usage``.

        Raises:
            GeneratorUnavailable: The inner one is, or the budget is used up.
        """
        with self._paid(question, passages) as bill:
            draft = self.inner.generate(question, passages)
            return replace(draft, usage=self._charge(bill, draft.usage))

    def stream(self, question: str, passages: Sequence[Passage]) -> Iterator[DraftSentence | Draft]:
        """Yield what the inner generator yields; settled also when the asker goes away half-way."""
        with self._paid(question, passages) as bill:
            for piece in pieces(self.inner, question, passages):
                if isinstance(piece, Draft):
                    yield replace(piece, usage=self._charge(bill, piece.usage))
                else:
                    said = bill.usage.output_tokens + len(piece.text) // 4 + 1
                    self._charge(bill, replace(bill.usage, output_tokens=said))
                    yield piece

    @contextmanager
    def _paid(self, question: str, passages: Sequence[Passage]) -> Iterator[Bill]:
        if self.budget is None:
            yield Bill(0.0)
            return
        # A token is at least one byte, so bytes bound the tokens.
        size = len(question.encode()) + sum(len(p.text.encode()) for p in passages)
        most = Usage(size + _FRAMING_BYTES, self.max_tokens)
        try:
            with self.budget.reserved(self.price.of(most)) as bill:
                self._charge(bill, Usage(most.input_tokens // 4, 0))
                yield bill
        except BudgetExhausted as error:
            raise GeneratorUnavailable(error.message, hint=error.hint()) from error

    def _charge(self, bill: Bill, usage: Usage) -> Usage:
        """Set the bill to this usage and return the usage with its cost."""
        bill.usage = replace(usage, cost_usd=self.price.of(usage))
        bill.cost_usd = bill.usage.cost_usd
        return bill.usage
