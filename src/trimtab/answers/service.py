"""Facade of the answers domain: answers questions, stores traces, publishes events."""

import logging
from collections.abc import Generator
from dataclasses import dataclass

from trimtab.answers.budgets import Budget, BudgetStore
from trimtab.answers.budgets.monthly_calls import MonthlyCalls
from trimtab.answers.deadlines import Deadlines, RetrievalStage, Retriever
from trimtab.answers.drafts import Generator as Writer
from trimtab.answers.generation import CachedGenerator, FallbackGenerator
from trimtab.answers.generators import configured_generators, paid_generator
from trimtab.answers.leaks import LeakMonitor
from trimtab.answers.metrics import ANSWER_GIVEN, AnswerCounters, AnswerGiven
from trimtab.answers.model_connection import ModelConnection
from trimtab.answers.model_endpoint import ModelEndpoint
from trimtab.answers.pipeline import AnswerPipeline, PipelineGuards
from trimtab.answers.records import Answer, AnswerResult, Question, SamplingRules
from trimtab.answers.reviews import ReviewStore
from trimtab.answers.shared_drafts import SharedDrafts
from trimtab.answers.store import FeedbackStore, TraceStore
from trimtab.answers.streaming import (
    AnswerStream,
    GuardedSentences,
    OpenGuard,
    Released,
    SentenceGuard,
)
from trimtab.infra.settings.sections.answers import AnswersSettings
from trimtab.infra.storage import Database, DataDirectory
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.errors import ErrorKind, TrimtabError
from trimtab.kernel.events import Event, Events
from trimtab.kernel.personal_data import Erasable, ErasureStep
from trimtab.kernel.tasks import Task

_log = logging.getLogger(__name__)
DRILL_ENDED = "answers.drill_ended"
"""The event after a drill; its subject is the user id of the drill's questions."""
CONNECTED = "connected"
"""Name of the model that was connected while the service ran."""
_FAILURES = {ErrorKind.UNAVAILABLE, ErrorKind.CORRUPT, ErrorKind.STORAGE_FULL}


@dataclass(frozen=True, slots=True)
class AnswersContext:
    """Shared dependencies of the answers domain."""

    database: Database
    """Holds the chains ``state`` and ``answers``."""
    clock: Clock
    events: Events
    directory: DataDirectory | None = None
    """Keeps which model is connected; None keeps it in memory."""
    shared: SharedDrafts | None = None
    """Drafts of other processes; None without a Valkey server."""


class AnswerService:
    """Answers questions with guards, deadlines, budgets and fallbacks.

    Args:
        settings: Of the domain.
        context: Database, clock and events.
        retriever: Finds the passages.
        keywords: Finds them by words alone when the retriever is late; None raises its error.
        guard: Judges each streamed sentence; None takes the answer guards.
        guards: Judge questions, passages and whole answers; None leaves them unguarded.
    """

    def __init__(
        self,
        settings: AnswersSettings,
        context: AnswersContext,
        retriever: Retriever,
        *,
        keywords: Retriever | None = None,
        guard: SentenceGuard | None = None,
        guards: PipelineGuards | None = None,
    ) -> None:
        self.settings = settings
        self.context = context
        self.guards = guards
        database, clock = context.database, context.clock
        rules = SamplingRules(settings.review_share, settings.review_confidence)
        self.reviews, self.feedback = ReviewStore(database), FeedbackStore(database)
        self.traces = TraceStore(database, rules)
        budgets = BudgetStore(database)
        self.budget = Budget("answers", settings.budget_usd_per_day, "day", budgets, clock)
        self.shadow_budget = Budget(
            "shadow", settings.shadow_budget_usd_per_day, "day", budgets, clock
        )
        self.deadlines = Deadlines()
        seconds = settings.retrieval_deadline_seconds
        self.retrieval = RetrievalStage(retriever, self.deadlines, seconds, keywords)
        generators = configured_generators(settings, self.deadlines, self.budget)
        self.models = FallbackGenerator(generators, clock)
        version = f"{settings.generator}/{settings.generator_model}/{settings.second_model}"
        entries, names = settings.cache_entries, lambda: self.models.names
        self.cache = CachedGenerator(self.models, version, entries, context.shared, names)
        calls = MonthlyCalls(budgets, clock, settings)
        self.model = ModelConnection(
            context.directory, self._make_generator, self._use_model, calls
        )
        self.pipeline = AnswerPipeline(self.retrieval, self.cache, clock, guards)
        self._stream = AnswerStream(
            self.pipeline,
            self.cache,
            guard or (GuardedSentences(guards) if guards else OpenGuard()),
            self._record,
            machine_clock(clock),
            settings.generation_deadline_seconds,
        )
        self.counters = AnswerCounters(clock)
        context.events.subscribe(ANSWER_GIVEN, self.counters.on_answer)
        self.leaks = LeakMonitor(self.traces, guards.forbidden_kinds if guards else tuple, clock)

    def answer(self, question: Question) -> Answer:
        """Return the answer, stored and published; raises what `AnswerPipeline.answer` raises."""
        try:
            return self._record(self.pipeline.answer(question))
        except TrimtabError as error:
            self._count(error)
            raise

    def stream(self, question: Question) -> Generator[Released | Answer, None, None]:
        """Yield the released sentences and, last, the answer; see `AnswerStream.stream`."""
        try:
            yield from self._stream.stream(question)
        except TrimtabError as error:
            self._count(error)
            raise

    def personal_data(self) -> tuple[Erasable, ...]:
        """Return the erasure steps of this domain.

        Feedback goes before the traces by which some of it is found. The cache does not record
        whose drafts it holds, so it is emptied.
        """
        return (
            ErasureStep("answers.feedback", self.feedback.count_user, self.feedback.forget_user),
            ErasureStep("answers.traces", self.traces.count_user, self.traces.forget_user),
            ErasureStep("answers.cache", lambda _: 0, lambda _: self.cache.erase()),
        )

    def forget_drill(self, user_id: str) -> None:
        """Delete the traces of a drill's questions and tell the other domains to forget theirs."""
        self.traces.forget_user(user_id)
        self.context.events.publish(Event(DRILL_ENDED, self.context.clock.now(), user_id, {}))

    def start(self) -> None:
        """Start looking for leaked personal data in the background."""
        self.leaks.start()

    def close(self) -> None:
        """Stop the background work."""
        self.leaks.stop()
        self.deadlines.close()

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The background tasks."""
        return (self.leaks.task,)

    def drop_old(self) -> int:
        """Delete expired traces and feedback; return the number of traces."""
        return self.traces.drop_older_than(self.settings.trace_days, self.context.clock.now())

    def follow_preference(self, name: str) -> None:
        """Ask the generator first that another process prefers, if this one has it."""
        if name in self.models.names:
            self.models.prefer(name)
            self.cache.clear()  # Its drafts are those of the former order.

    def _make_generator(self, endpoint: ModelEndpoint) -> Writer:
        return paid_generator(endpoint, self.settings, self.deadlines, self.budget)

    def _use_model(self, generator: Writer | None) -> None:
        """Ask the connected model first from now on; None asks those of the settings."""
        self.models.put(CONNECTED, generator)
        if generator is not None:
            self.models.prefer(CONNECTED)
        self.cache.clear()  # Its drafts are of the former model.
        # Other processes may have other models: their drafts have the same keys.
        self.cache.use_shared(allowed=generator is None)

    def _record(self, result: AnswerResult) -> Answer:
        """Store the trace, publish the answer and return it, in this order."""
        self.traces.keep(result.trace)
        self.context.events.publish(AnswerGiven.of(result.trace))
        return result.answer

    def _count(self, error: TrimtabError) -> None:
        if error.kind in _FAILURES:
            self.counters.count_failure(error.code)
