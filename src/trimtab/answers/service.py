"""Facade of the answers domain: answers questions, stores traces, publishes events."""

import logging
from collections.abc import Generator as Yields
from dataclasses import dataclass

from trimtab.answers.budgets import Budget, BudgetStore
from trimtab.answers.generators import generators
from trimtab.answers.leaks import LeakWatch
from trimtab.answers.pipeline import Answers, Retriever
from trimtab.answers.records import Answer, Question
from trimtab.answers.reviews import ReviewStore
from trimtab.answers.routing import Routing
from trimtab.answers.sampling import SamplingRules
from trimtab.answers.screening import Screen, ScreenedSentences
from trimtab.answers.stages import (
    CachedGenerator,
    Deadlines,
    FirstAvailable,
    TimedRetriever,
)
from trimtab.answers.store import FeedbackStore, TraceStore
from trimtab.answers.streaming import OpenGuard, Released, SentenceGuard, StreamedAnswers
from trimtab.answers.tally import Tally
from trimtab.infra.settings.sections.answers import AnswersSettings
from trimtab.infra.storage import Database
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import ErrorKind, TrimtabError
from trimtab.kernel.events import Event, Events
from trimtab.kernel.personal_data import Erasable, ErasureStep
from trimtab.kernel.tasks import Task

_log = logging.getLogger(__name__)
DRILL_ENDED = "answers.drill_ended"
"""The event after a drill; its subject is the user id of the drill's questions."""
_FAILURES = {ErrorKind.UNAVAILABLE, ErrorKind.CORRUPT, ErrorKind.STORAGE_FULL}


@dataclass(frozen=True, slots=True)
class AnswersContext:
    """Shared dependencies of the answers domain."""

    database: Database
    """Holds the chains ``state`` and ``answers``."""
    clock: Clock
    events: Events


class AnswerService:
    """Answers questions with guards, deadlines, budgets and fallbacks.

    Args:
        settings: The domain's.
        context: Database, clock and events.
        retriever: Finds the passages.
        keywords: Finds them by words alone when the retriever is late; None where it degrades by itself.
        guard: Looks at each streamed sentence.
        screen: Looks at questions, passages and whole answers; None leaves them unguarded.
    """

    def __init__(
        self,
        settings: AnswersSettings,
        context: AnswersContext,
        retriever: Retriever,
        *,
        keywords: Retriever | None = None,
        guard: SentenceGuard | None = None,
        screen: Screen | None = None,
    ) -> None:
        self.settings = settings
        self.context = context
        database, clock = context.database, context.clock
        rules = SamplingRules(settings.review_share, settings.review_confidence)
        self.reviews, self.feedback = ReviewStore(database), FeedbackStore(database)
        self.traces = TraceStore(database, rules)
        budgets = BudgetStore(database)
        self.budget = Budget("answers", settings.budget_usd_per_day, "day", budgets, clock)
        self.shadow_budget = Budget(
            "shadow", settings.shadow_budget_usd_per_day, "day", budgets, clock
        )
        self.deadlines = deadlines = Deadlines(clock)
        seconds = settings.retrieval_deadline_seconds
        self.routing = Routing(TimedRetriever(retriever, deadlines, seconds, keywords))
        self.models = FirstAvailable(generators(settings, deadlines, self.budget), clock)
        version = f"{settings.generator}/{settings.generator_model}/{settings.second_model}"
        self.cache = CachedGenerator(self.models, version, settings.cache_entries)
        self.screen = screen
        self.pipeline = Answers(
            self.routing, self.cache, self.traces, clock, context.events, screen
        )
        wait = settings.generation_deadline_seconds
        shown = ScreenedSentences(screen) if screen else OpenGuard()
        self._streamed = StreamedAnswers(
            self.pipeline, self.cache, guard or shown, deadlines.clock, wait
        )
        self.tally = Tally(clock)
        context.events.subscribe("answers.given", self.tally.heard)
        self.leaks = LeakWatch(self.traces, screen.forbidden_kinds if screen else tuple, clock)

    def answer(self, question: Question) -> Answer:
        """Return the answer; raises what `Answers.answer` raises, and counts its failures."""
        try:
            return self.pipeline.answer(question)
        except TrimtabError as error:
            self._count(error)
            raise

    def stream(self, question: Question) -> Yields[Released | Answer, None, None]:
        """Yield the released sentences and, last, the answer; see `StreamedAnswers.stream`."""
        try:
            yield from self._streamed.stream(question)
        except TrimtabError as error:
            self._count(error)
            raise

    def personal_data(self) -> tuple[Erasable, ...]:
        """Return the erasure steps of this domain.

        Feedback goes before the traces by which some of it is found. The cache does not record whose drafts it
        holds, so it is emptied.
        """
        return (
            ErasureStep("answers.feedback", self.feedback.count_user, self.feedback.forget_user),
            ErasureStep("answers.traces", self.traces.count_user, self.traces.forget_user),
            ErasureStep("answers.cache", lambda _: 0, lambda _: self.cache.clear()),
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

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The background tasks."""
        return (self.leaks.task,)

    def drop_old(self) -> int:
        """Delete the traces and feedback that are older than the settings keep; return how many traces went."""
        return self.traces.drop_older_than(self.settings.trace_days, self.context.clock.now())

    def _count(self, error: TrimtabError) -> None:
        if error.kind in _FAILURES:
            self.tally.failed(error.code)
