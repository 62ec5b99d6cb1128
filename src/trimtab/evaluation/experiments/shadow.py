"""Shadow mode: a second configuration answers a share of the traffic, unseen, under its own budget."""

import logging
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from trimtab.answers.budgets import Budget
from trimtab.answers.errors import BudgetExhausted
from trimtab.answers.records import Trace
from trimtab.answers.sampling import chosen
from trimtab.evaluation.experiments.candidate import Rehearsal, question_of
from trimtab.evaluation.experiments.pairs import pair
from trimtab.evaluation.experiments.store import PairStore
from trimtab.infra.background import Worker
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.events import Event

_log = logging.getLogger(__name__)
_MOST_WAITING = 100


class FindTrace(Protocol):
    """Where traces are found."""

    def find(self, trace_id: str) -> Trace:
        """Return the trace, or raise `TraceUnknown`."""
        ...


@dataclass(frozen=True, slots=True)
class ShadowRules:
    """How much is tried.

    ``worst_usd`` is reserved for each question before it is tried; the budget lives in the database, so all processes
    together stay within it.
    """

    share: float
    worst_usd: float = 0.01


class Shadow:
    """Listens to ``answers.given`` and tries the second configuration on a share of them, in the background.

    The asker never waits: what does not fit into the short queue is dropped and counted.
    """

    def __init__(
        self,
        configuration: Rehearsal,
        traces: FindTrace,
        pairs: PairStore,
        budget: Budget,
        rules: ShadowRules,
        clock: Clock,
    ) -> None:
        self._configuration = configuration
        self._traces = traces
        self._pairs = pairs
        self._budget = budget
        self.rules = rules
        self.task = Worker[str]("shadow", self.try_one, clock, _MOST_WAITING)
        self.counts: Counter[str] = Counter()
        """``tried``, ``over_budget``, ``failed``, ``dropped``."""

    def heard(self, event: Event) -> None:
        """Take note of an answer; subscribe this to ``answers.given``."""
        trace_id = str(event.facts.get("trace_id", ""))
        if not chosen(trace_id, self.rules.share, "shadow"):
            return
        if not self.task.put(trace_id):
            self.counts["dropped"] += 1

    def run_waiting(self) -> int:
        """Try everything that waits, now; return how many questions it was."""
        return self.task.run_waiting()

    def try_one(self, trace_id: str) -> str:
        """Try one question; return ``tried``, ``over_budget`` or ``failed``."""
        outcome = "failed"
        try:
            outcome = self._try(trace_id)
        finally:
            self.counts[outcome] += 1
        return outcome

    def start(self) -> None:
        """Work in the background."""
        self.task.start()

    def close(self) -> None:
        """Stop; what waits is forgotten, it was only a sample."""
        self.task.close()

    def _try(self, trace_id: str) -> str:
        try:
            reservation = self._budget.reserve(self.rules.worst_usd)
        except BudgetExhausted:
            return "over_budget"
        spent = self.rules.worst_usd
        try:
            now = self._traces.find(trace_id)
            tried = self._configuration.trace(question_of(now))
            spent = tried.cost_usd
            self._pairs.keep(
                self._configuration.name, pair(now, tried), now.user_id, now.answer.created_at
            )
        except TrimtabError as error:
            _log.warning("shadow answer failed", extra={"reason": error.message})
            return "failed"
        finally:
            self._budget.settle(reservation, spent)
        return "tried"
