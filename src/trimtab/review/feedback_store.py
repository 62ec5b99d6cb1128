"""SQL of the feedback queue and of the candidates made of feedback and reviews."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.infra.storage.dialect import insert_or_ignore
from trimtab.kernel.ids import content_id


class FeedbackState(StrEnum):
    """State of an item of the feedback queue."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    ARCHIVED = "archived"


class CandidateState(StrEnum):
    """State of a candidate; only a person approves item."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class QueuedFeedback:
    """Feedback in the queue, as it was given."""

    id: str
    trace_id: str
    user_id: str
    helpful: bool
    comment: str
    given_at: str
    state: FeedbackState = FeedbackState.WAITING
    reason: str = ""
    """Why it was refused: ``duplicate``, ``contradictory``, ``spam``, ``nobody`` or ``erased``."""


@dataclass(frozen=True, slots=True)
class LearningCandidate:
    """Something that could be learnt, which waits for a person's decision.

    Attributes:
        id: Depends on the kind and on what it was made of, so a repetition makes it once.
        kind: ``golden``, ``guard_label`` or ``training_row``.
        trace_id: The answer behind it.
        owner: User id of the person who asked; empty without item.
        body: The example itself.
        state: Whether a person has decided.
        made_of: Id of the feedback or of the review item.
        at: When it was made.
    """

    id: str
    kind: str
    trace_id: str
    owner: str
    body: Mapping[str, Any]
    state: CandidateState
    made_of: str
    at: str

    @classmethod
    def of(
        cls, kind: str, trace_id: str, owner: str, body: Mapping[str, Any], made_of: str, at: str
    ) -> "LearningCandidate":
        """Return a proposed candidate."""
        own = content_id("candidate", kind, made_of)
        return cls(own, kind, trace_id, owner, body, CandidateState.PROPOSED, made_of, at)


_FEEDBACK = ("id", "trace_id", "user_id", "helpful", "comment", "given_at", "state", "reason")
feedback_table = sa.table(
    "review_feedback", *map(sa.column, (*_FEEDBACK, "added_at", "done_at", "batch", "archive"))
)
_CANDIDATE = ("id", "kind", "trace_id", "owner", "body", "state", "made_of", "at")
_candidates = sa.table(
    "review_candidates", *map(sa.column, (*_CANDIDATE, "decided_by", "decided_at"))
)
# Built once: for a flood of feedback, building a statement costs more than running it.
_COUNT = sa.select(sa.func.count()).select_from(
    sa.select(feedback_table.c.id)
    .where(
        feedback_table.c.user_id == sa.bindparam("user"),
        feedback_table.c.given_at.between(sa.bindparam("since"), sa.bindparam("until")),
    )
    .limit(sa.bindparam("at_most"))
    .subquery()
)
_FINISH = (
    sa.update(feedback_table)
    .where(
        feedback_table.c.id == sa.bindparam("given_id"),
        feedback_table.c.state == FeedbackState.WAITING,
    )
    .values(
        state=sa.bindparam("given_state"),
        reason=sa.bindparam("given_reason"),
        batch=sa.bindparam("given_batch"),
        done_at=sa.bindparam("at"),
    )
)


class FeedbackQueueStore:
    """The feedback queue and the candidates on disk."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.version = 0

    def add(self, given: Sequence[QueuedFeedback], at: datetime) -> int:
        """Queue feedback that is not queued yet; return the number added."""
        rows = [
            {
                "id": each.id,
                "trace_id": each.trace_id,
                "user_id": each.user_id,
                "helpful": each.helpful,
                "comment": each.comment,
                "given_at": each.given_at,
                "state": FeedbackState.WAITING,
                "added_at": at.isoformat(),
            }
            for each in given
        ]
        added = 0
        with self.database.write() as connection:
            if rows:
                insert = insert_or_ignore(connection, feedback_table)
                added = connection.execute(insert, rows).rowcount
        self.version += 1
        return added

    def waiting(self, limit: int) -> list[QueuedFeedback]:
        """Return the oldest feedback that waits for validation."""
        query = (
            sa.select(*(feedback_table.c[name] for name in _FEEDBACK))
            .where(feedback_table.c.state == FeedbackState.WAITING)
            .order_by(feedback_table.c.given_at, feedback_table.c.id)
        )
        with self.database.read() as connection:
            return [_feedback(row) for row in connection.execute(query.limit(limit)).mappings()]

    def before(self, item: QueuedFeedback) -> list[QueuedFeedback]:
        """Return what the same user had said about the same answer before."""
        table = feedback_table
        query = sa.select(*(table.c[name] for name in _FEEDBACK)).where(
            table.c.trace_id == item.trace_id,
            table.c.user_id == item.user_id,
            (table.c.given_at < item.given_at)
            | ((table.c.given_at == item.given_at) & (table.c.id < item.id)),
        )
        with self.database.read() as connection:
            return [_feedback(row) for row in connection.execute(query).mappings()]

    def gave_more(self, user_id: str, since: str, until: str, limit: int) -> bool:
        """Return whether a user gave more than so much feedback between two moments, both included.

        It stops counting there, so the cost for each item of a flood stays the same.
        """
        given = {"user": user_id, "since": since, "until": until, "at_most": limit + 1}
        with self.database.read() as connection:
            return int(connection.scalar(_COUNT, given) or 0) > limit

    def finish(
        self,
        batch: str,
        done: Sequence[tuple[QueuedFeedback, FeedbackState, str]],
        made: Sequence[LearningCandidate],
        at: datetime,
    ) -> None:
        """Record the outcome of a batch and its candidates in one transaction."""
        same = {"given_batch": batch, "at": at.isoformat()}
        rows = [
            {"given_id": item.id, "given_state": state, "given_reason": reason, **same}
            for item, state, reason in done
        ]
        with self.database.write() as connection:
            if rows:
                connection.execute(_FINISH, rows)
            _insert_candidates(connection, made)
        self.version += 1

    def propose(self, made: Sequence[LearningCandidate]) -> None:
        """Add candidates; a known one is left as it is."""
        with self.database.write() as connection:
            _insert_candidates(connection, made)
        self.version += 1

    def counts(self) -> dict[str, int]:
        """Return how much feedback there is, by state or reason of refusal."""
        table = feedback_table
        name = sa.case((table.c.reason != "", table.c.reason), else_=table.c.state)
        query = sa.select(name, sa.func.count()).group_by(name)
        with self.database.read() as connection:
            return {str(key): int(count) for key, count in connection.execute(query)}

    def candidates(
        self, state: CandidateState, kind: str = "", limit: int = 100
    ) -> list[LearningCandidate]:
        """Return the candidates in a state, oldest first."""
        query = (
            sa.select(*(_candidates.c[name] for name in _CANDIDATE))
            .where(_candidates.c.state == state)
            .order_by(_candidates.c.at, _candidates.c.id)
        )
        if kind:
            query = query.where(_candidates.c.kind == kind)
        with self.database.read() as connection:
            return [
                LearningCandidate(
                    **{
                        **row,
                        "body": json.loads(row["body"]),
                        "state": CandidateState(row["state"]),
                    }
                )
                for row in connection.execute(query.limit(limit)).mappings()
            ]

    def decide(self, candidate: str, state: CandidateState, by: str, at: datetime) -> bool:
        """Approve or reject a proposed candidate; return whether it was waiting."""
        with self.database.write() as connection:
            changed = connection.execute(
                sa.update(_candidates)
                .where(
                    _candidates.c.id == candidate, _candidates.c.state == CandidateState.PROPOSED
                )
                .values(state=state, decided_by=by, decided_at=at.isoformat())
            ).rowcount
        self.version += 1
        return bool(changed)

    def count_user(self, user_id: str) -> int:
        """Return how much `forget_user` would delete."""
        if not user_id:
            return 0
        with self.database.read() as connection:
            return sum(
                int(connection.scalar(sa.select(sa.func.count()).select_from(t).where(w)) or 0)
                for t, w in _about(user_id)
            )

    def forget_user(self, user_id: str) -> int:
        """Delete a user's feedback and the candidates about the user; return the number."""
        if not user_id:
            return 0
        with self.database.write() as connection:
            gone = sum(
                connection.execute(sa.delete(t).where(w)).rowcount for t, w in _about(user_id)
            )
        self.version += 1
        return gone


def _about(user_id: str) -> tuple[tuple[sa.TableClause, sa.ColumnElement[bool]], ...]:
    return (
        (feedback_table, feedback_table.c.user_id == user_id),
        (_candidates, _candidates.c.owner == user_id),
    )


def _insert_candidates(connection: sa.Connection, made: Sequence[LearningCandidate]) -> None:
    for each in made:
        connection.execute(
            insert_or_ignore(connection, _candidates).values(
                id=each.id,
                kind=each.kind,
                trace_id=each.trace_id,
                owner=each.owner,
                body=json.dumps(each.body),
                state=each.state,
                made_of=each.made_of,
                at=each.at,
            )
        )


def _feedback(row: Any) -> QueuedFeedback:
    return QueuedFeedback(
        **{**row, "helpful": bool(row["helpful"]), "state": FeedbackState(row["state"])}
    )
