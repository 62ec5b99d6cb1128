"""Records of the review queues."""

from dataclasses import dataclass
from enum import StrEnum


class ReviewQueue(StrEnum):
    """The review queues, most urgent first."""

    HIGH = "review_queue:high_priority"
    NORMAL = "review_queue:normal_priority"
    LOW = "review_queue:low_priority"


FEEDBACK_QUEUE = "feedback_queue"
"""Name of the queue of feedback that waits for validation."""


class ItemState(StrEnum):
    """State of a review item."""

    WAITING = "waiting"
    """An annotation is missing."""
    ADJUDICATION = "adjudication"
    """The annotators disagree; a third person decides."""
    DONE = "done"
    ARCHIVED = "archived"
    """Its queue was cleared; it can be restored."""


OPEN_STATES = (ItemState.WAITING, ItemState.ADJUDICATION)


class ReviewVerdict(StrEnum):
    """A person's judgement of an answer or decision."""

    GOOD = "good"
    PARTIAL = "partial"
    BAD = "bad"


WRONGLY_BLOCKED = "wrongly_blocked"
FAILURE_TYPES = (
    "hallucination",
    "wrong_answer",
    "incomplete",
    "outdated_source",
    "retrieval_miss",
    WRONGLY_BLOCKED,
    "wrongly_passed",
    "wrongly_not_found",
    "slow",
    "other",
)
"""Failure types that an annotation may name."""

_HIGH = frozenset({"bypassed", "unhelpful", "low_grounding", "disputed_block", "gate"})
_LOW = frozenset({"sample"})


def queue_of(reason: str) -> ReviewQueue:
    """Return the queue of an item by its reason."""
    if reason in _HIGH:
        return ReviewQueue.HIGH
    return ReviewQueue.LOW if reason in _LOW else ReviewQueue.NORMAL


@dataclass(frozen=True, slots=True)
class ReviewCandidate:
    """Something that a person should review, before it is queued."""

    source: str
    """``answer``, ``feedback``, ``guard``, ``model`` or ``gate``."""
    subject: str
    """Id of the trace, or of what another source names; unique within the source."""
    reason: str
    at: str
    """When it happened; ISO 8601, UTC."""
    project: str = ""
    owner: str = ""
    """User id of the person whom it is about; empty for none."""
    text: str = ""
    """What to look at, where it is no trace."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One person's judgement of an item."""

    annotator: str
    kind: str
    """``annotation``, or ``adjudication`` for the decision between two of them."""
    verdict: ReviewVerdict
    failure_type: str
    answer: str
    """The correct answer; empty when the annotator gave none."""
    documents: tuple[str, ...]
    """Names of the documents that hold the correct answer."""
    note: str
    seconds: float
    """From the begin of the lease to the submission."""
    at: str


@dataclass(frozen=True, slots=True)
class QueueItem:
    """An item of a review queue with its annotations."""

    id: str
    queue: ReviewQueue
    source: str
    subject: str
    reason: str
    project: str
    owner: str
    text: str
    needed: int
    """Number of annotations before it is done."""
    state: ItemState
    lease_by: str
    lease_until: str
    added_at: str
    done_at: str
    annotations: tuple[Annotation, ...] = ()

    @property
    def result(self) -> Annotation | None:
        """Return the annotation that counts: the adjudication, else the first; None when open."""
        if self.state is not ItemState.DONE or not self.annotations:
            return None
        decided = [each for each in self.annotations if each.kind == "adjudication"]
        return (decided or list(self.annotations))[0]


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """Depth and rates of one queue."""

    queue: str
    depth: int
    oldest_at: str
    """When the oldest open item was added; empty without one."""
    added: int
    finished: int
    processing_seconds: float | None
    """Median from taking an item to submitting it; None before the first."""
    response_seconds: float | None
    """Median from adding an item to its first annotation; None before the first."""


@dataclass(frozen=True, slots=True)
class AnnotatorFigures:
    """Participation of one annotator."""

    annotator: str
    annotations: int
    skipped: int
    median_seconds: float | None
    last_at: str


@dataclass(frozen=True, slots=True)
class GuardRuleFigures:
    """People's judgements of the blocks of one guard."""

    judged: str
    """``questions`` or ``answers``."""
    guard: str
    reviewed: int
    wrong: int
    """Reviewed blocks that a person called wrong."""

    @property
    def false_positive_rate(self) -> float:
        """Return the share of the reviewed blocks that were wrong."""
        return self.wrong / self.reviewed if self.reviewed else 0.0


@dataclass(frozen=True, slots=True)
class Archive:
    """The items of a queue that was cleared."""

    id: str
    queue: str
    at: str
    by: str
    items: int
    restored_at: str
    """Empty while it is not restored."""
