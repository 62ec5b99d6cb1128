"""Review queue of answers, in the chain ``answers``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from trimtab.answers.errors import TraceUnknown
from trimtab.infra.storage import Database

_reviews = sa.table(
    "answer_reviews", *map(sa.column, ("trace_id", "reason", "at", "done_at", "done_by", "queued"))
)


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """An answer to review, with the reason; see `sampling.SamplingRules`."""

    trace_id: str
    reason: str
    at: str
    """When it was given; ISO 8601, UTC."""


@dataclass(frozen=True, slots=True)
class ReviewStore:
    """Queue of answers to review; `TraceStore.keep` adds to it with the trace."""

    database: Database

    def waiting(self, limit: int) -> list[ReviewItem]:
        """Return the answers without a review, oldest first."""
        columns = (_reviews.c.trace_id, _reviews.c.reason, _reviews.c.at)
        query = sa.select(*columns).where(_reviews.c.done_at == "").order_by(_reviews.c.at)
        with self.database.read() as connection:
            return [ReviewItem(*row) for row in connection.execute(query.limit(limit))]

    def count(self) -> dict[str, int]:
        """Return how many wait, by reason."""
        query = sa.select(_reviews.c.reason, sa.func.count()).where(_reviews.c.done_at == "")
        with self.database.read() as connection:
            rows = connection.execute(query.group_by(_reviews.c.reason))
            return {str(reason): int(count) for reason, count in rows}

    def unqueued(self, limit: int) -> list[ReviewItem]:
        """Return the oldest answers without a review that the review queues have not taken."""
        columns = (_reviews.c.trace_id, _reviews.c.reason, _reviews.c.at)
        new = (_reviews.c.queued.is_(sa.false())) & (_reviews.c.done_at == "")
        query = sa.select(*columns).where(new).order_by(_reviews.c.at)
        with self.database.read() as connection:
            return [ReviewItem(*row) for row in connection.execute(query.limit(limit))]

    def mark_queued(self, trace_ids: Sequence[str]) -> None:
        """Note that the review queues have taken the answers."""
        with self.database.write() as connection:
            taken = sa.update(_reviews).where(_reviews.c.trace_id.in_(trace_ids))
            connection.execute(taken.values(queued=True))

    def mark_done(self, trace_id: str, by: str, at: datetime) -> None:
        """Mark an answer as reviewed; raises `TraceUnknown` when it is not in the queue."""
        waits = (_reviews.c.trace_id == trace_id) & (_reviews.c.done_at == "")
        with self.database.write() as connection:
            done = sa.update(_reviews).where(waits).values(done_at=at.isoformat(), done_by=by)
            if connection.execute(done).rowcount == 0:
                raise TraceUnknown(f"The trace {trace_id!r} does not wait for a review.")
