"""Validates feedback and turns it, in batches, into candidates for people to approve."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trimtab.kernel.clock import Clock
from trimtab.kernel.ids import new_id
from trimtab.review.feedback_store import (
    FeedbackQueueStore,
    FeedbackState,
    LearningCandidate,
    QueuedFeedback,
)
from trimtab.review.records import ReviewCandidate

_log = logging.getLogger(__name__)
BATCH_SIZE = 50
"""Feedback processed at once; the contract's number."""
_BATCHES_A_RUN = 400
"""Bound of one run, 20,000 items; the rest waits for the next."""


@dataclass(frozen=True, slots=True)
class ReviewedAnswer:
    """Excerpt of a stored answer for feedback and annotations."""

    trace_id: str
    project: str
    question: str
    text: str
    found: bool
    blocked: bool
    quotes: tuple[str, ...]
    documents: tuple[str, ...]
    guards: tuple[str, ...]
    """The guards that blocked it."""
    owner: str
    """User id of the person who asked."""
    judged: str = "answers"
    """What a block was about: ``questions`` or ``answers``."""


@dataclass(frozen=True, slots=True)
class FeedbackBatch:
    """Outcome of one batch."""

    id: str
    accepted: int
    refused: Mapping[str, int]
    """Number refused, by reason."""
    candidates: int

    @property
    def size(self) -> int:
        """Return the number of items in it."""
        return self.accepted + sum(self.refused.values())


class FeedbackProcessor:
    """Processes the feedback queue; nothing it makes reaches a model without a person's approval.

    Args:
        store: The queue and the candidates.
        answers: Finds the stored answers of the traces that still exist.
        enqueue: Queues review items, for feedback that calls an answer wrong.
        clock: Of the process.
        per_minute: Feedback that one user may give in a minute; more is refused as spam.
    """

    def __init__(
        self,
        store: FeedbackQueueStore,
        answers: Callable[[Sequence[str]], Mapping[str, ReviewedAnswer]],
        enqueue: Callable[[Sequence[ReviewCandidate]], int],
        clock: Clock,
        per_minute: int,
    ) -> None:
        self._store = store
        self._answers = answers
        self._enqueue = enqueue
        self._clock = clock
        self._per_minute = per_minute

    def process(self) -> int:
        """Process the waiting feedback in batches; return the number of items."""
        done = 0
        for _ in range(_BATCHES_A_RUN):
            batch = self.process_feedback_batch()
            done += batch.size
            if batch.size < BATCH_SIZE:
                break
        return done

    def process_feedback_batch(self, size: int = BATCH_SIZE) -> FeedbackBatch:
        """Validate the oldest items and turn the accepted ones into candidates.

        Review items are queued before the batch is recorded: after a crash the batch is repeated
        and finds them queued.
        """
        now = self._clock.now()
        batch = new_id("batch", now)
        waiting = self._store.waiting(size)
        answers = self._answers([each.trace_id for each in waiting])
        done: list[tuple[QueuedFeedback, FeedbackState, str]] = []
        made: list[LearningCandidate] = []
        items: list[ReviewCandidate] = []
        refused: dict[str, int] = {}
        for item in waiting:
            answer = answers.get(item.trace_id)
            reason = self._problem(item, answer)
            state = FeedbackState.REFUSED if reason else FeedbackState.ACCEPTED
            done.append((item, state, reason))
            if reason:
                refused[reason] = refused.get(reason, 0) + 1
            elif answer is not None:
                made += candidates_of(item, answer, now)
                items += _items(item, answer)
        self._enqueue(items)
        self._store.finish(batch, done, made, now)
        if done:
            _log.info(
                "feedback processed",
                extra={"batch": batch, "items": len(done), "refused": sum(refused.values())},
            )
        return FeedbackBatch(batch, len(done) - sum(refused.values()), refused, len(made))

    def _problem(self, item: QueuedFeedback, answer: ReviewedAnswer | None) -> str:
        """Return why the feedback is refused; empty when it is accepted."""
        if answer is None:
            return "erased"
        if not item.user_id:
            return "nobody"
        until = datetime.fromisoformat(item.given_at)
        since = (until - timedelta(minutes=1)).isoformat()
        if self._store.gave_more(item.user_id, since, item.given_at, self._per_minute):
            return "spam"
        accepted = [
            each
            for each in self._store.before(item)
            if each.state in (FeedbackState.ACCEPTED, FeedbackState.WAITING)
        ]
        if any(each.helpful != item.helpful for each in accepted):
            return "contradictory"
        return "duplicate" if accepted else ""


def candidates_of(
    item: QueuedFeedback, answer: ReviewedAnswer, at: datetime
) -> list[LearningCandidate]:
    """Return what could be learnt from one validated feedback."""

    def candidate(kind: str, body: Mapping[str, Any]) -> LearningCandidate:
        return LearningCandidate.of(
            kind, answer.trace_id, answer.owner, body, item.id, at.isoformat()
        )

    if answer.blocked:
        label = {"question": answer.question, "guards": answer.guards, "wrongly_blocked": True}
        # A thumb up on a block agrees with it.
        return [candidate("guard_label", {**label, "wrongly_blocked": not item.helpful})]
    if not answer.found:
        return []
    row = {"question": answer.question, "quotes": answer.quotes, "relevant": item.helpful}
    made = [candidate("training_row", row)]
    if item.helpful and answer.quotes:
        golden = {
            "project": answer.project,
            "question": answer.question,
            "answers": answer.quotes[:1],
            "documents": answer.documents,
        }
        made.append(candidate("golden", golden))
    return made


def _items(item: QueuedFeedback, answer: ReviewedAnswer) -> list[ReviewCandidate]:
    if item.helpful:
        return []
    source, reason = ("guard", "disputed_block") if answer.blocked else ("answer", "unhelpful")
    return [
        ReviewCandidate(
            source, item.trace_id, reason, item.given_at, answer.project, answer.owner, item.comment
        )
    ]
