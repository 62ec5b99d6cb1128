"""Facade of the review domain: queues, leases, annotations, feedback and figures."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar, cast

from trimtab.infra.settings.sections.review import ReviewSettings
from trimtab.infra.storage import Database
from trimtab.kernel.clock import Clock
from trimtab.kernel.personal_data import Erasable, ErasureStep
from trimtab.review.agreement import Agreement, agreements
from trimtab.review.archives import ArchiveStore
from trimtab.review.errors import (
    CandidateUnknown,
    ItemClosed,
    ItemNotLeased,
    ItemTaken,
    LeaseEnded,
    ReviewItemUnknown,
    ReviewQueueUnknown,
)
from trimtab.review.feedback import FeedbackProcessor
from trimtab.review.feedback_store import (
    CandidateState,
    FeedbackQueueStore,
)
from trimtab.review.figures import FigureStore
from trimtab.review.outcome import is_same, learnt_candidates, state_after
from trimtab.review.ports import AnnotationDraft, ReviewedAnswers, ReviewSource
from trimtab.review.records import (
    FEEDBACK_QUEUE,
    OPEN_STATES,
    WRONGLY_BLOCKED,
    Annotation,
    AnnotatorFigures,
    Archive,
    GuardRuleFigures,
    ItemState,
    QueueFigures,
    QueueItem,
    ReviewCandidate,
    ReviewQueue,
)
from trimtab.review.store import ItemStore

_T = TypeVar("_T")
_REPLAYED = 500
"""Judged blocks of earlier starts that count for the guards' false-positive rate."""
_LOOKED_AT = 200
"""Free items that are offered to the visibility check at once."""


class Reviews:
    """Review queues with leases, two annotators, adjudication and archives.

    Args:
        database: Holds the chain ``review``.
        answers: The stored answers.
        sources: What fills the queues.
        settings: Of the domain.
        clock: Of the process.
    """

    def __init__(
        self,
        database: Database,
        answers: ReviewedAnswers,
        sources: Sequence[ReviewSource],
        settings: ReviewSettings,
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.items = ItemStore(database)
        self.archives = ArchiveStore(database)
        self.feedback = FeedbackQueueStore(database)
        self.processor = FeedbackProcessor(
            self.feedback, answers.find, self.enqueue, clock, settings.feedback_per_minute
        )
        self._answers = answers
        self._sources = tuple(sources)
        self._figures = FigureStore(database)
        self._cached: dict[str, tuple[tuple[int, int, int], object]] = {}
        self._changes = 0
        self._collected_at = self._feedback_at = clock.now()

    # Filling

    def enqueue(self, candidates: Sequence[ReviewCandidate]) -> int:
        """Queue what is not queued yet; return the number of new items."""
        if not candidates:
            return 0
        return self.items.add(candidates, self.settings.annotators, self.clock.now())

    def collect(self) -> int:
        """Take new items and feedback from the sources; return the number of new items.

        A source learns that its items are queued after they are stored: a crash between the two
        repeats them, and the queue ignores what it knows.
        """
        added = self.collect_items()
        self.process_feedback()
        return added

    def collect_items(self) -> int:
        """Take new items from the sources; return the number of new items."""
        added = sum(self._collect_from(source) for source in self._sources)
        self._collected_at = self.clock.now()
        return added

    def process_feedback(self) -> int:
        """Queue new feedback and process what waits; return the number of items processed."""
        batch = self.settings.collect_batch
        while found := self._answers.new_feedback(batch):
            self.feedback.add(found, self.clock.now())
            self._answers.mark_feedback_queued([each.id for each in found])
        done = self.processor.process()
        self._feedback_at = self.clock.now()
        return done

    def replay_judged_blocks(self) -> int:
        """Tell the guards what people said about blocks before this start; return the number."""
        judged = [each for each in self.items.done_since() if each.source == "guard"][-_REPLAYED:]
        known = self._answers.find([each.subject for each in judged])
        for item in judged:
            answer, result = known.get(item.subject), item.result
            if answer is not None and result is not None:
                wrongly = result.failure_type == WRONGLY_BLOCKED
                self._answers.record_judged_block(answer, wrongly=wrongly)
        return len(judged)

    @property
    def collected_at(self) -> datetime:
        """Return when the last collection ended well, or when this process began."""
        return self._collected_at

    @property
    def feedback_at(self) -> datetime:
        """Return when feedback was last processed without an error, or when this process began."""
        return self._feedback_at

    def damaged_items(self) -> int:
        """Return the number of items that cannot be read; read again only after a change."""
        return self._of_version("damaged", self.items.count_damaged)

    def _collect_from(self, source: ReviewSource) -> int:
        added, batch = 0, self.settings.collect_batch
        while True:
            found = source.candidates(batch)
            added += self.enqueue(found)
            source.mark_queued([each.subject for each in found])
            if len(found) < batch:
                return added

    # Reviewing

    def next(
        self,
        annotator: str,
        queue: str = "",
        visible: Callable[[QueueItem], bool] = lambda _: True,
    ) -> QueueItem | None:
        """Lease the most urgent item to the annotator; None when there is none.

        An item that the annotator holds already comes first, so a repeated call loses none.

        Args:
            annotator: Name of the person.
            queue: Only of this queue; empty takes any.
            visible: Whether the caller may see the item.
        """
        self.check_queue(queue)
        now = self.clock.now()
        for held in self.items.held_by(annotator, now):
            if (not queue or held.queue == queue) and visible(held):
                return held
        for item in self.items.free_for(annotator, now, queue, _LOOKED_AT):
            if visible(item) and self._lease(item, annotator):
                return self.find(item.id)
        return None

    def take(self, item_or_trace: str, annotator: str) -> QueueItem:
        """Lease one particular item to the annotator.

        Raises:
            ReviewItemUnknown: There is none.
            ItemClosed: It is finished or archived.
            ItemTaken: Somebody else holds it, or the annotator has judged or skipped it.
        """
        item = self._open(item_or_trace)
        if self._holds(item, annotator) or self._lease(item, annotator):
            return self.find(item.id)
        raise ItemTaken(f"{annotator} cannot take the item {item.id} now.")

    def submit(self, item_or_trace: str, annotator: str, draft: AnnotationDraft) -> QueueItem:
        """Store the annotation of an item that the annotator holds; return the item.

        Repeating a submission that was stored changes nothing.

        Raises:
            ReviewItemUnknown: There is none: it was erased, has expired or was never queued.
            BadAnnotation: The annotation is incomplete.
            ItemClosed: It is finished or archived.
            LeaseEnded: The annotator's lease has ended.
            ItemNotLeased: The annotator does not hold it.
        """
        draft.check()
        item = self.find(item_or_trace)
        if any(is_same(each, annotator, draft) for each in item.annotations):
            return item
        item = self._open(item_or_trace)
        self._check_held(item, annotator)
        now = self.clock.now()
        begun = self.items.leased_at(item.id)
        seconds = (now - datetime.fromisoformat(begun)).total_seconds() if begun else 0.0
        kind = "adjudication" if item.state is ItemState.ADJUDICATION else "annotation"
        given = Annotation(
            annotator,
            kind,
            draft.verdict,
            draft.failure_type,
            draft.answer,
            draft.documents,
            draft.note,
            seconds,
            now.isoformat(),
        )
        state = state_after(item, given)
        if not self.items.annotate(item, given, state, now):
            raise LeaseEnded(f"The lease of {item.id} has ended.")
        if state is ItemState.DONE:
            self._finish(item, given, now)
        return self.find(item.id)

    def skip(self, item_or_trace: str, annotator: str, reason: str) -> None:
        """Hand the item back and do not show it to this annotator again."""
        self._release(item_or_trace, annotator, reason)

    def hand_back(self, item_or_trace: str, annotator: str) -> None:
        """End the lease; the item is free at once, also for this annotator."""
        self._release(item_or_trace, annotator, None)

    def find(self, item_or_trace: str) -> QueueItem:
        """Return the item, or raise `ReviewItemUnknown`."""
        found = self.items.find(item_or_trace)
        if found is None:
            raise ReviewItemUnknown(
                f"No review item {item_or_trace!r}: it was erased, has expired or was never queued."
            )
        return found

    # Clearing

    def clear(self, queue: str, actor: str) -> Archive:
        """Archive all open items of a queue, so that it is empty; see `restore`."""
        self.check_queue(queue, with_feedback=True)
        archive = self.archives.clear(queue, actor, self.clock.now())
        self._changes += 1
        return archive

    def quarantine(self, actor: str) -> Archive:
        """Archive the items that cannot be read; see `restore`."""
        archive = self.archives.quarantine(actor, self.clock.now())
        self._changes += 1
        return archive

    def restore(self, archive: str) -> int:
        """Queue the items of an archive again; return their number."""
        count = self.archives.restore(archive, self.clock.now())
        self._changes += 1
        return count

    def drop_gone(self) -> int:
        """Delete open items whose answers are erased or expired; return the number."""
        subjects = [
            each.subject
            for each in self.items.open_items(limit=10_000)
            if each.source in ("answer", "guard", "flywheel")
        ]
        gone = 0
        for start in range(0, len(subjects), 500):
            part = subjects[start : start + 500]
            known = self._answers.find(part)
            gone += self.items.drop_subjects([each for each in part if each not in known])
        return gone

    # Deciding about candidates

    def decide(self, candidate: str, *, approve: bool, by: str) -> None:
        """Approve or reject a candidate; raises `CandidateUnknown` when it does not wait."""
        state = CandidateState.APPROVED if approve else CandidateState.REJECTED
        if not self.feedback.decide(candidate, state, by, self.clock.now()):
            raise CandidateUnknown(f"No candidate {candidate!r} waits for a decision.")

    # Figures

    def queue_figures(self) -> tuple[QueueFigures, ...]:
        """Return depth, age and rates of every queue; read again only after a change."""
        return self._of_version("queues", self._figures.queues)

    def agreement(self) -> tuple[Agreement, ...]:
        """Return the agreement of each pair of annotators; read again only after a change."""
        return self._of_version("agreement", lambda: agreements(self.items.judged_twice()))

    def annotators(self, days: float = 7.0) -> tuple[AnnotatorFigures, ...]:
        """Return who took part in the last days; read again only after a change."""
        since = (self.clock.now() - timedelta(days=days)).isoformat()
        return self._of_version(f"annotators {days}", lambda: self._figures.annotators(since))

    def guard_rules(self, days: float) -> list[GuardRuleFigures]:
        """Return how people judged the blocks of each guard in the last days."""
        since = (self.clock.now() - timedelta(days=days)).isoformat()
        judged = [each for each in self.items.done_since(since) if each.source == "guard"]
        known = self._answers.find([each.subject for each in judged])
        counts: dict[tuple[str, str], tuple[int, int]] = {}
        for item in judged:
            answer, result = known.get(item.subject), item.result
            if answer is None or result is None:
                continue
            wrong = result.failure_type == WRONGLY_BLOCKED
            for guard in answer.guards:
                reviewed, wrongly = counts.get((answer.judged, guard), (0, 0))
                counts[answer.judged, guard] = (reviewed + 1, wrongly + wrong)
        return [
            GuardRuleFigures(judged_text, guard, reviewed, wrongly)
            for (judged_text, guard), (reviewed, wrongly) in sorted(counts.items())
        ]

    def feedback_outcomes(self) -> dict[str, int]:
        """Return how much feedback there is, by state or reason of refusal."""
        return self._of_version("feedback", self.feedback.counts)

    def age_seconds(self, at: str) -> float:
        """Return the seconds since a stored moment; 0 for an empty one."""
        return (self.clock.now() - datetime.fromisoformat(at)).total_seconds() if at else 0.0

    def _of_version(self, name: str, read: Callable[[], _T]) -> _T:
        version = (self.items.version, self.feedback.version, self._changes)
        known = self._cached.get(name)
        if known is None or known[0] != version:
            known = self._cached[name] = (version, read())
        return cast("_T", known[1])

    def personal_data(self) -> tuple[Erasable, ...]:
        """Return the erasure steps of this domain."""
        return (
            ErasureStep("review.items", self.items.count_user, self.items.forget_user),
            ErasureStep("review.feedback", self.feedback.count_user, self.feedback.forget_user),
        )

    def _finish(self, item: QueueItem, result: Annotation, now: datetime) -> None:
        if item.source in ("model", "gate"):
            return
        self._answers.mark_reviewed(item.subject, result.annotator, now)
        known = self._answers.find([item.subject]).get(item.subject)
        if known is None:
            return
        if known.blocked:
            wrongly = result.failure_type == WRONGLY_BLOCKED
            self._answers.record_judged_block(known, wrongly=wrongly)
        made = learnt_candidates(item, result, known)
        if made:
            self.feedback.propose(made)

    def _lease(self, item: QueueItem, annotator: str) -> bool:
        now = self.clock.now()
        until = now + timedelta(minutes=self.settings.lease_minutes)
        return self.items.lease(item.id, annotator, now, until)

    def _open(self, item_or_trace: str) -> QueueItem:
        item = self.find(item_or_trace)
        if item.state not in OPEN_STATES:
            raise ItemClosed(f"The item {item.id} is {item.state}.")
        return item

    def _holds(self, item: QueueItem, annotator: str) -> bool:
        now = self.clock.now().isoformat()
        return item.lease_by == annotator and item.lease_until > now

    def _check_held(self, item: QueueItem, annotator: str) -> None:
        if self._holds(item, annotator):
            return
        if item.lease_by == annotator:
            raise LeaseEnded(f"The lease of {item.id} ended at {item.lease_until}.")
        raise ItemNotLeased(f"{annotator} does not hold the item {item.id}.")

    def _release(self, item_or_trace: str, annotator: str, reason: str | None) -> None:
        item = self._open(item_or_trace)
        self._check_held(item, annotator)
        if not self.items.release(item.id, annotator, self.clock.now(), reason):
            raise LeaseEnded(f"The lease of {item.id} has ended.")

    def check_queue(self, queue: str, *, with_feedback: bool = False) -> None:
        """Raise `ReviewQueueUnknown` unless the queue is known or empty."""
        known = [*map(str, ReviewQueue), *((FEEDBACK_QUEUE,) if with_feedback else ())]
        if queue and queue not in known:
            raise ReviewQueueUnknown(
                f"There is no queue {queue!r}.", hint=f"Use one of: {', '.join(known)}."
            )
