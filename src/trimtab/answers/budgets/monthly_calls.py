"""Calls of the month to a provider whose plan allows a number of them."""

from dataclasses import dataclass

from trimtab.answers.budgets.store import BudgetStore
from trimtab.answers.model_endpoint import PROVIDERS, origin_of
from trimtab.infra.settings.sections.answers import AnswersSettings
from trimtab.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class MonthlyCalls:
    """Counts the calls of this installation in the calendar month, UTC.

    Calls that others make with the same key are not known here.
    """

    store: BudgetStore
    clock: Clock
    settings: AnswersSettings

    def limit(self, url: str) -> int:
        """Return the calls a month that the plan at this address allows; 0 means no limit."""
        at_cohere = origin_of(url) == origin_of(PROVIDERS["cohere"])
        return self.settings.cohere_calls_per_month if at_cohere else 0

    def count(self, url: str) -> None:
        """Count one call; calls without a limit are not counted."""
        if self.limit(url):
            self.store.count_call(self._name(url), self._month())

    def used(self, url: str) -> int:
        """Return the counted calls of this month."""
        return self.store.usage(self._name(url), self._month())["calls"]

    def _name(self, url: str) -> str:
        return f"calls to {origin_of(url)[1]}"

    def _month(self) -> str:
        return self.clock.now().date().isoformat()[:7]
