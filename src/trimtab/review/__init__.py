"""Human review: queues with leases, annotations, agreement, and feedback."""

from trimtab.review.records import (
    Annotation,
    QueueItem,
    ReviewCandidate,
    ReviewQueue,
    ReviewVerdict,
)
from trimtab.review.service import Reviews

__all__ = [
    "Annotation",
    "QueueItem",
    "ReviewCandidate",
    "ReviewQueue",
    "ReviewVerdict",
    "Reviews",
]
