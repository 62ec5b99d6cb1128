"""The only SQL of answers: traces and feedback, in the chain ``answers``."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from trimtab.answers.errors import TraceUnknown
from trimtab.answers.records import (
    Answer,
    Citation,
    Feedback,
    PipelineStage,
    SamplingRules,
    Trace,
    TraceFilter,
)
from trimtab.infra.storage import Database

CHAIN = "answers"

_traces = sa.table(
    "answer_traces",
    *map(
        sa.column,
        ("id", "project", "user_id", "at", "found", "blocked", "confidence", "body", "exported"),
    ),
)
_reviews = sa.table(
    "answer_reviews", *map(sa.column, ("trace_id", "reason", "at", "done_at", "done_by"))
)
_feedback = sa.table(
    "answer_feedback",
    *map(sa.column, ("id", "trace_id", "user_id", "at", "helpful", "comment", "reason")),
)
_with_queued = sa.table("answer_feedback", *map(sa.column, ("id", "queued")))


@dataclass(frozen=True, slots=True)
class TraceStore:
    """Traces on disk; each is durable before the caller sees the answer."""

    database: Database
    rules: SamplingRules | None = None
    """Which answers to review; None selects none."""

    def keep(self, trace: Trace) -> None:
        """Add the trace, and put it on the list for review where a rule says so."""
        answer = trace.answer
        with self.database.write() as connection:
            connection.execute(
                sa.insert(_traces).values(
                    id=trace.id,
                    project=answer.project,
                    user_id=trace.user_id,
                    at=answer.created_at.isoformat(),
                    found=answer.found,
                    blocked=answer.blocked,
                    confidence=answer.confidence,
                    body=encode(trace),
                    exported=False,
                )
            )
            reason = self.rules.reason(trace) if self.rules else ""
            if reason:
                row = {"trace_id": trace.id, "reason": reason, "done_at": "", "done_by": ""}
                at = answer.created_at.isoformat()
                connection.execute(sa.insert(_reviews).values(**row, at=at))

    def find(self, trace_id: str) -> Trace:
        """Return the trace, or raise `TraceUnknown`."""
        with self.database.read() as connection:
            body = connection.scalar(sa.select(_traces.c.body).where(_traces.c.id == trace_id))
        if body is None:
            raise TraceUnknown(f"There is no trace {trace_id!r}.")
        return decode(body)

    def existing(self, trace_ids: Sequence[str]) -> dict[str, Trace]:
        """Return those of the traces that exist, by id."""
        query = sa.select(_traces.c.id, _traces.c.body).where(_traces.c.id.in_(trace_ids))
        with self.database.read() as connection:
            return {str(key): decode(body) for key, body in connection.execute(query)}

    def between(self, since: datetime, until: datetime) -> Iterator[Trace]:
        """Yield the traces of a time, newest first, without holding all of them in memory."""
        inside = (_traces.c.at >= since.isoformat()) & (_traces.c.at < until.isoformat())
        query = sa.select(_traces.c.body).where(inside)
        with self.database.read() as connection:
            newest = query.order_by(_traces.c.at.desc(), _traces.c.id.desc())
            for body in connection.execution_options(yield_per=200).scalars(newest):
                yield decode(body)

    def recent(self, limit: int, project: str | None = None) -> list[Trace]:
        """Return the newest traces first, of one project or of all."""
        query = sa.select(_traces.c.body).order_by(_traces.c.at.desc(), _traces.c.id.desc())
        if project is not None:
            query = query.where(_traces.c.project == project)
        with self.database.read() as connection:
            return [decode(body) for body in connection.scalars(query.limit(limit))]

    def matching(self, conditions: TraceFilter, limit: int) -> list[Trace]:
        """Return the newest traces that fulfil the conditions, newest first."""
        query = sa.select(_traces.c.body).order_by(_traces.c.at.desc(), _traces.c.id.desc())
        if conditions.project is not None:
            query = query.where(_traces.c.project == conditions.project)
        if conditions.found is not None:
            query = query.where(_traces.c.found == conditions.found)
        if conditions.blocked is not None:
            query = query.where(_traces.c.blocked == conditions.blocked)
        if conditions.since is not None:
            query = query.where(_traces.c.at >= conditions.since.isoformat())
        if conditions.before is not None:
            at = sa.select(_traces.c.at).where(_traces.c.id == conditions.before).scalar_subquery()
            same = (_traces.c.at == at) & (_traces.c.id < conditions.before)
            query = query.where((_traces.c.at < at) | same)
        with self.database.read() as connection:
            return [decode(body) for body in connection.scalars(query.limit(limit))]

    def since(self, moment: datetime, limit: int) -> list[Trace]:
        """Return the newest traces that are not older than the moment, newest first."""
        query = sa.select(_traces.c.body).where(_traces.c.at >= moment.isoformat())
        newest = query.order_by(_traces.c.at.desc(), _traces.c.id.desc()).limit(limit)
        with self.database.read() as connection:
            return [decode(body) for body in connection.scalars(newest)]

    def unexported(self, limit: int) -> list[Trace]:
        """Return the oldest traces that the tracing backend does not have."""
        waiting = sa.select(_traces.c.body).where(_traces.c.exported.is_(sa.false()))
        with self.database.read() as connection:
            oldest = waiting.order_by(_traces.c.at, _traces.c.id).limit(limit)
            return [decode(body) for body in connection.scalars(oldest)]

    def mark_exported(self, trace_ids: Sequence[str]) -> None:
        """Note that the tracing backend has them."""
        with self.database.write() as connection:
            mine = _traces.c.id.in_(trace_ids)
            connection.execute(sa.update(_traces).where(mine).values(exported=True))

    def count_unexported(self) -> int:
        """Return how many traces the tracing backend does not have."""
        query = sa.select(sa.func.count()).where(_traces.c.exported.is_(sa.false()))
        with self.database.read() as connection:
            return int(connection.scalar(query) or 0)

    def count_user(self, user_id: str) -> int:
        """Return how many traces a user has."""
        query = sa.select(sa.func.count()).where(_traces.c.user_id == user_id)
        with self.database.read() as connection:
            return int(connection.scalar(query) or 0)

    def forget_user(self, user_id: str) -> int:
        """Delete a user's traces and return how many there were."""
        with self.database.write() as connection:
            theirs = sa.select(_traces.c.id).where(_traces.c.user_id == user_id)
            connection.execute(sa.delete(_reviews).where(_reviews.c.trace_id.in_(theirs)))
            return connection.execute(
                sa.delete(_traces).where(_traces.c.user_id == user_id)
            ).rowcount

    def drop_older_than(self, days: float, now: datetime) -> int:
        """Delete the traces of that age and their feedback; return how many traces went."""
        limit = (now - timedelta(days=days)).isoformat()
        old = sa.select(_traces.c.id).where(_traces.c.at < limit)
        with self.database.write() as connection:
            connection.execute(sa.delete(_feedback).where(_feedback.c.trace_id.in_(old)))
            connection.execute(sa.delete(_reviews).where(_reviews.c.trace_id.in_(old)))
            return connection.execute(sa.delete(_traces).where(_traces.c.at < limit)).rowcount


@dataclass(frozen=True, slots=True)
class FeedbackStore:
    """Feedback on answers, on disk."""

    database: Database

    def keep(self, feedback: Feedback) -> None:
        """Add it, or raise `TraceUnknown` when its trace is gone."""
        values: dict[str, Any] = asdict(feedback) | {"at": feedback.at.isoformat()}
        with self.database.write() as connection:
            known = connection.scalar(
                sa.select(_traces.c.id).where(_traces.c.id == feedback.trace_id)
            )
            if known is None:
                raise TraceUnknown(f"There is no trace {feedback.trace_id!r}.")
            connection.execute(sa.insert(_feedback).values(**values))

    def of_trace(self, trace_id: str) -> list[Feedback]:
        """Return what was said about one answer, oldest first."""
        query = (
            sa.select(_feedback).where(_feedback.c.trace_id == trace_id).order_by(_feedback.c.at)
        )
        with self.database.read() as connection:
            return [_as_feedback(row) for row in connection.execute(query).mappings()]

    def unqueued(self, limit: int) -> list[Feedback]:
        """Return the oldest feedback that the feedback queue has not taken."""
        query = sa.select(_feedback).where(sa.column("queued").is_(sa.false()))
        with self.database.read() as connection:
            oldest = query.order_by(_feedback.c.at, _feedback.c.id).limit(limit)
            return [_as_feedback(row) for row in connection.execute(oldest).mappings()]

    def mark_queued(self, ids: Sequence[str]) -> None:
        """Note that the feedback queue has taken the feedback."""
        with self.database.write() as connection:
            taken = sa.update(_with_queued).where(_with_queued.c.id.in_(ids))
            connection.execute(taken.values(queued=True))

    def counts_since(self, moment: datetime) -> tuple[int, int]:
        """Return how many thumbs went up and how many down since then."""
        query = (
            sa.select(_feedback.c.helpful, sa.func.count())
            .where(_feedback.c.at >= moment.isoformat())
            .group_by(_feedback.c.helpful)
        )
        with self.database.read() as connection:
            counts = {bool(helpful): count for helpful, count in connection.execute(query)}
        return counts.get(True, 0), counts.get(False, 0)

    def disliked_between(self, since: datetime, until: datetime) -> set[str]:
        """Return the traces of a time's thumbs down."""
        query = sa.select(_feedback.c.trace_id).where(
            _feedback.c.helpful.is_(sa.false()),
            _feedback.c.at >= since.isoformat(),
            _feedback.c.at < until.isoformat(),
        )
        with self.database.read() as connection:
            return {str(trace_id) for trace_id in connection.scalars(query)}

    def count_reason(self, reason: str, moment: datetime) -> int:
        """Return how often that reason was given since then."""
        query = sa.select(sa.func.count()).where(
            _feedback.c.at >= moment.isoformat(), _feedback.c.reason == reason
        )
        with self.database.read() as connection:
            return int(connection.scalar(query) or 0)

    def count_user(self, user_id: str) -> int:
        """Return how much `forget_user` would delete."""
        query = sa.select(sa.func.count()).select_from(_feedback).where(_about(user_id))
        with self.database.read() as connection:
            return int(connection.scalar(query) or 0)

    def forget_user(self, user_id: str) -> int:
        """Delete feedback by a user and on the user's answers; return the number."""
        with self.database.write() as connection:
            return connection.execute(sa.delete(_feedback).where(_about(user_id))).rowcount


def _about(user_id: str) -> sa.ColumnElement[bool]:
    theirs = sa.select(_traces.c.id).where(_traces.c.user_id == user_id)
    return (_feedback.c.user_id == user_id) | _feedback.c.trace_id.in_(theirs)


def _as_feedback(row: Any) -> Feedback:
    return Feedback(
        **{**row, "at": datetime.fromisoformat(row["at"]), "helpful": bool(row["helpful"])}
    )


def encode(trace: Trace) -> str:
    """Return the trace as JSON; `decode` gives it back."""
    row = asdict(trace)
    if not trace.drill:  # Older releases read it, too.
        del row["drill"]
    return json.dumps(row, default=datetime.isoformat, separators=(",", ":"))


def decode(body: str) -> Trace:
    """Return the trace that `encode` wrote."""
    row = json.loads(body)
    answer = row.pop("answer")
    answer["citations"] = tuple(Citation(**citation) for citation in answer["citations"])
    answer["created_at"] = datetime.fromisoformat(answer["created_at"])
    row["stages"] = tuple(PipelineStage(**stage) for stage in row["stages"])
    row["retrieved"] = tuple((chunk, score) for chunk, score in row["retrieved"])
    row["labels"] = tuple(row.get("labels", ()))
    return Trace(answer=Answer(**answer), **row)
