"""Ports of the review domain, and what annotators submit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from trimtab.review.errors import BadAnnotation
from trimtab.review.feedback import ReviewedAnswer
from trimtab.review.feedback_store import QueuedFeedback
from trimtab.review.records import FAILURE_TYPES, ReviewCandidate, ReviewVerdict


class ReviewSource(Protocol):
    """Finds what people should review: answers, guards, models or gates."""

    @property
    def name(self) -> str:
        """Name of the source, under which its progress is kept."""
        ...

    def candidates(self, limit: int) -> Sequence[ReviewCandidate]:
        """Return what is not queued yet, oldest first; what is queued already may come again."""
        ...

    def mark_queued(self, subjects: Sequence[str]) -> None:
        """Note that the subjects are queued, so that `candidates` leaves them out."""
        ...


class ReviewedAnswers(Protocol):
    """The stored answers behind review items and feedback."""

    def find(self, trace_ids: Sequence[str], /) -> Mapping[str, ReviewedAnswer]:
        """Return the answers of those traces that exist."""
        ...

    def new_feedback(self, limit: int, /) -> Sequence[QueuedFeedback]:
        """Return feedback that is not queued yet, oldest first."""
        ...

    def mark_feedback_queued(self, ids: Sequence[str], /) -> None:
        """Note that the feedback is queued."""
        ...

    def mark_reviewed(self, trace_id: str, by: str, at: datetime, /) -> None:
        """Note that a person has reviewed an answer."""
        ...

    def record_judged_block(self, answer: ReviewedAnswer, *, wrongly: bool) -> None:
        """Record a person's opinion on a block, for the guards' false-positive rate."""
        ...


@dataclass(frozen=True, slots=True)
class AnnotationDraft:
    """Judgement that an annotator submits."""

    verdict: ReviewVerdict
    failure_type: str = ""
    answer: str = ""
    documents: tuple[str, ...] = ()
    note: str = ""

    def check(self) -> None:
        """Raise `BadAnnotation` when it is incomplete or contradicts itself."""
        if self.failure_type and self.failure_type not in FAILURE_TYPES:
            raise BadAnnotation(
                f"Unknown failure type {self.failure_type!r}.",
                hint=f"Use one of: {', '.join(FAILURE_TYPES)}.",
            )
        if self.verdict is ReviewVerdict.GOOD and self.failure_type:
            raise BadAnnotation(
                "A good answer has no failure type.", hint="Leave the failure type out."
            )
        if self.verdict is ReviewVerdict.BAD and not self.failure_type:
            raise BadAnnotation(
                "A bad answer needs a failure type.",
                hint=f"Use one of: {', '.join(FAILURE_TYPES)}.",
            )
