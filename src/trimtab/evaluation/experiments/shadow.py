"""Shadow mode: a candidate answers a share of the traffic, under its own budget."""

import logging
from collections import Counter

from trimtab.answers import TraceStore
from trimtab.answers.errors import BudgetExhausted
from trimtab.answers.metrics import AnswerGiven
from trimtab.answers.records import chosen
from trimtab.evaluation.experiments.candidate import BudgetedCandidate, question_of
from trimtab.evaluation.experiments.pairs import pair
from trimtab.evaluation.experiments.store import PairStore
from trimtab.infra.background import Worker
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.events import Event

_log = logging.getLogger(__name__)
_QUEUE_SIZE = 100


class Shadow:
    """Asks a candidate a share of the answered questions; users never wait for it.

    Questions that do not fit into the queue are dropped and counted.

    Args:
        candidate: Answers the questions again.
        traces: Where the answered questions are found.
        pairs: Keeps the comparisons.
        share: Of the questions, in [0, 1].
        clock: Stamps the background work.
    """

    def __init__(
        self,
        candidate: BudgetedCandidate,
        traces: TraceStore,
        pairs: PairStore,
        share: float,
        clock: Clock,
    ) -> None:
        self._candidate = candidate
        self._traces = traces
        self._pairs = pairs
        self._share = share
        self.task = Worker[str]("shadow", self.try_one, clock, _QUEUE_SIZE)
        self.counts: Counter[str] = Counter()
        """``tried``, ``over_budget``, ``failed``, ``dropped``."""

    @property
    def name(self) -> str:
        """The candidate's name."""
        return self._candidate.name

    def on_answer(self, event: Event) -> None:
        """Queue an answered question; subscribed to ``answers.given``."""
        if not isinstance(event, AnswerGiven) or not chosen(event.trace_id, self._share, "shadow"):
            return
        if not self.task.put(event.trace_id):
            self.counts["dropped"] += 1

    def run_waiting(self) -> int:
        """Try every queued question now; return their number."""
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
        """Start the background worker."""
        self.task.start()

    def close(self) -> None:
        """Stop the worker and drop the queue."""
        self.task.close()

    def _try(self, trace_id: str) -> str:
        try:
            now = self._traces.find(trace_id)
            tried = self._candidate.trace(question_of(now))
            self._pairs.keep(self.name, pair(now, tried), now.user_id, now.answer.created_at)
        except BudgetExhausted:
            return "over_budget"
        except TrimtabError as error:
            _log.warning("shadow answer failed", extra={"reason": error.message})
            return "failed"
        return "tried"
