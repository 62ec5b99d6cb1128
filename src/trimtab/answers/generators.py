"""The configured generators; calls of paid models have a deadline and a budget."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from trimtab.answers.budgets import Bill, Budget, Price
from trimtab.answers.budgets.monthly_calls import MonthlyCalls
from trimtab.answers.deadlines import Deadlines, TimedGenerator
from trimtab.answers.drafts import Draft, DraftSentence, Generator, Piece, Usage
from trimtab.answers.errors import BudgetExhausted, GeneratorUnavailable
from trimtab.answers.extractive import ExtractiveGenerator
from trimtab.answers.model_endpoint import ModelEndpoint, first_endpoint, second_endpoint
from trimtab.answers.records import EXTRACTIVE, SourcePassage
from trimtab.infra.settings.sections.answers import AnswersSettings

FIRST = "first"
"""Name of the model that is asked first."""
_FRAMING_BYTES = 2_000
"""Instructions, roles and numbering around question and passages."""


def configured_generators(
    settings: AnswersSettings, deadlines: Deadlines, budget: Budget | None
) -> list[tuple[str, Generator]]:
    """Return the generators of the settings by name; ``extractive`` is always the last.

    Args:
        settings: Of the domain.
        deadlines: Bound each reply.
        budget: Pays for the models; None only prices their calls.
    """
    found = list[tuple[str, Generator]]()
    if settings.generator == "openai":
        found.append((FIRST, paid_generator(first_endpoint(settings), settings, deadlines, budget)))
    if settings.second_url:
        second = paid_generator(second_endpoint(settings), settings, deadlines, budget)
        found.append(("second", second))
    return [*found, (EXTRACTIVE, ExtractiveGenerator(settings.max_sentences))]


@dataclass(frozen=True, slots=True)
class MeteredGenerator:
    """A generator whose calls are reserved in a budget and settled with their cost.

    A call that fails is settled with the cost of its input: the provider has read it and may bill
    it.
    """

    inner: Generator
    price: Price
    budget: Budget | None
    """None only prices the calls: the caller has reserved the money."""
    max_tokens: int = 400
    count_call: Callable[[], object] | None = None
    """Counts a call, where the provider's plan limits them."""

    def stream(self, question: str, passages: Sequence[SourcePassage]) -> Iterator[Piece]:
        """Yield the inner pieces, the draft with its cost; settle also when the caller stops.

        Raises:
            GeneratorUnavailable: The inner generator is, or the budget is used up.
        """
        with self._reserve_cost(question, passages) as bill:
            if self.count_call is not None:
                self.count_call()
            for piece in self.inner.stream(question, passages):
                if isinstance(piece, Draft):
                    yield replace(piece, usage=self._charge(bill, piece.usage))
                elif isinstance(piece, DraftSentence):
                    written = bill.usage.output_tokens + len(piece.text) // 4 + 1
                    self._charge(bill, replace(bill.usage, output_tokens=written))
                    yield piece

    @contextmanager
    def _reserve_cost(self, question: str, passages: Sequence[SourcePassage]) -> Iterator[Bill]:
        if self.budget is None:
            yield Bill(0.0)
            return
        # A token is at least one byte, so bytes bound the tokens.
        size = len(question.encode()) + sum(len(p.text.encode()) for p in passages)
        maximum = Usage(size + _FRAMING_BYTES, self.max_tokens)
        try:
            with self.budget.reserved(self.price.of(maximum)) as bill:
                self._charge(bill, Usage(maximum.input_tokens // 4, 0))
                yield bill
        except BudgetExhausted as error:
            raise GeneratorUnavailable(error.message, hint=error.hint()) from error

    def _charge(self, bill: Bill, usage: Usage) -> Usage:
        """Set the bill to this usage and return the usage with its cost."""
        bill.usage = replace(usage, cost_usd=self.price.of(usage))
        bill.cost_usd = bill.usage.cost_usd
        return bill.usage


def paid_generator(
    endpoint: ModelEndpoint,
    settings: AnswersSettings,
    deadlines: Deadlines,
    budget: Budget | None,
) -> MeteredGenerator:
    """Return the generator of an endpoint, with a deadline and the budget's limit."""
    # The client library takes as long to load as all other modules together.
    from trimtab.answers.remote import RemoteGenerator

    remote = RemoteGenerator(
        endpoint.url,
        endpoint.model,
        endpoint.key,
        settings.generator_timeout_seconds,
        max_seconds=settings.generation_deadline_seconds,
    )
    price = Price(settings.input_usd_per_million, settings.output_usd_per_million)
    timed = TimedGenerator(remote, deadlines, settings.generation_deadline_seconds)
    count_call = None
    if budget is not None:
        calls = MonthlyCalls(budget.store, budget.clock, settings)
        count_call = partial(calls.count, endpoint.url) if calls.limit(endpoint.url) else None
    return MeteredGenerator(timed, price, budget, count_call=count_call)
