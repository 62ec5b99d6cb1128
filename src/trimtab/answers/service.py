"""All of answers put together: what `app` builds, and what signals, actions and faults work on."""

import logging
from collections.abc import Generator as Yields
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

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
from trimtab.answers.tracing import SpanExporter
from trimtab.answers.tracing.exporter import parse_headers
from trimtab.evaluation.experiments import PairStore
from trimtab.evaluation.experiments.service import Trials
from trimtab.evaluation.online import SampleStore, Watch
from trimtab.infra.jobs import Jobs
from trimtab.infra.settings.sections.answers import AnswersSettings
from trimtab.infra.storage import Database
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import ErrorKind, TrimtabError
from trimtab.kernel.events import Events
from trimtab.kernel.tasks import Task
from trimtab.privacy.erasure import Erasable, Erasures, ErasureStep
from trimtab.privacy.erasure.service import Trust
from trimtab.privacy.erasure.store import ErasureStore

_log = logging.getLogger(__name__)
_FAILURES = {ErrorKind.UNAVAILABLE, ErrorKind.CORRUPT, ErrorKind.STORAGE_FULL}


@dataclass(frozen=True, slots=True)
class Ground:
    """What answers stand on."""

    database: Database
    """Holds the chains ``state`` and ``answers``."""
    clock: Clock
    events: Events


class AnswerService:
    """Answers with every safety net, and everything that watches them.

    Args:
        settings: The domain's.
        ground: Database, clock and events.
        retriever: Finds the passages.
        keywords: Finds them by words alone when the retriever is late; None where it degrades by itself.
        guard: Looks at each streamed sentence.
        screen: Looks at questions, passages and whole answers; None leaves them unguarded.
    """

    def __init__(
        self,
        settings: AnswersSettings,
        ground: Ground,
        retriever: Retriever,
        *,
        keywords: Retriever | None = None,
        guard: SentenceGuard | None = None,
        screen: Screen | None = None,
    ) -> None:
        self.settings = settings
        self.ground = ground
        database, clock = ground.database, ground.clock
        rules = SamplingRules(settings.review_share, settings.review_confidence)
        self.reviews, self.feedback = ReviewStore(database), FeedbackStore(database)
        self.traces = TraceStore(database, rules)
        self.samples, self.pairs = SampleStore(database), PairStore(database)
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
        self.pipeline = Answers(self.routing, self.cache, self.traces, clock, ground.events, screen)
        wait = settings.generation_deadline_seconds
        shown = ScreenedSentences(screen) if screen else OpenGuard()
        self._streamed = StreamedAnswers(
            self.pipeline, self.cache, guard or shown, deadlines.clock, wait
        )
        self.tally = Tally(clock)
        ground.events.subscribe("answers.given", self.tally.heard)
        window = timedelta(minutes=settings.watch_window_minutes)
        self.watch = Watch(self.traces, self.feedback, self.samples, clock, window)
        self.leaks = LeakWatch(self.traces, self._forbidden_kinds, clock)
        self.trials = Trials(self)
        headers = parse_headers(settings.otlp_headers)
        self.exporter = SpanExporter(self.traces, settings.otlp_endpoint, headers, clock)
        self.erasures: Erasures | None = None

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

    def with_erasure(
        self,
        jobs: Jobs,
        trust: Trust,
        others: Sequence[Erasable] = (),
        databases: Sequence[Database] = (),
    ) -> Erasures:
        """Build the erasures, before the jobs are launched.

        Args:
            jobs: Runs them.
            trust: What they are proved with.
            others: What the other domains keep about people, queued work first; answers' own things come after.
            databases: Theirs, to be cleaned of the bytes of deleted rows.
        """
        self.erasures = Erasures(
            ErasureStore(self.ground.database),
            (*others, *self.erasables()),
            jobs,
            trust,
            self.ground.clock,
            (self.ground.database, *databases),
        )
        return self.erasures

    def erasables(self) -> tuple[Erasable, ...]:
        """Return what answers keep about people.

        Feedback goes before the traces by which some of it is found; samples and pairs after them, because neither is
        added for a trace that is gone. The cache does not know whose drafts it holds and is emptied.
        """
        return (
            ErasureStep("answers.feedback", self.feedback.count_user, self.feedback.forget_user),
            ErasureStep("answers.traces", self.traces.count_user, self.traces.forget_user),
            ErasureStep("answers.samples", self.samples.count_user, self.samples.forget_user),
            ErasureStep("answers.shadow_pairs", self.pairs.count_user, self.pairs.forget_user),
            ErasureStep("answers.cache", lambda _: 0, lambda _: self.cache.clear()),
        )

    def forget_drill(self, user_id: str) -> None:
        """Delete what a drill's questions have left: traces with their reviews, samples and shadow pairs."""
        for forget in (
            self.traces.forget_user,
            self.samples.forget_user,
            self.pairs.forget_user,
        ):
            forget(user_id)

    def start(self) -> None:
        """Begin to watch, to try the shadow configuration and to send traces; see `Erasures.resume` for the rest."""
        self.watch.start()
        self.leaks.start()
        self.trials.start()
        self.exporter.start()

    def close(self) -> None:
        """Stop all of them."""
        self.trials.close()
        self.watch.close()
        self.leaks.stop()
        self.exporter.close()

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Return what works in the background."""
        shadow = self.trials.shadow
        return (
            self.watch.task,
            self.leaks.task,
            self.exporter.task,
            *((shadow.task,) if shadow else ()),
        )

    def drop_old(self) -> int:
        """Delete the traces and feedback that are older than the settings keep; return how many traces went."""
        return self.traces.drop_older_than(self.settings.trace_days, self.ground.clock.now())

    def _forbidden_kinds(self) -> tuple[str, ...]:
        return self.screen.answers.rules.now().pii_block_types if self.screen else ()

    def _count(self, error: TrimtabError) -> None:
        if error.kind in _FAILURES:
            self.tally.failed(error.code)
