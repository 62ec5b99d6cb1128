"""Figures of the queues: depth, age, rates, response times and participation."""

from datetime import datetime
from statistics import median

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.review.feedback_store import FeedbackState, feedback_table
from trimtab.review.records import (
    FEEDBACK_QUEUE,
    OPEN_STATES,
    AnnotatorFigures,
    ItemState,
    QueueFigures,
    ReviewQueue,
)
from trimtab.review.store import annotations_table, items_table, skips_table

_NEWEST = 500
"""Annotations over which medians are taken."""


class FigureStore:
    """Reads the figures from the rows, so that a restart loses none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def queues(self) -> tuple[QueueFigures, ...]:
        """Return the figures of the three review queues and of the feedback queue."""
        with self._database.read() as connection:
            found = [_queue(connection, queue) for queue in ReviewQueue]
            return (*found, _feedback(connection))

    def annotators(self, since: str = "") -> tuple[AnnotatorFigures, ...]:
        """Return the participation of each annotator, most annotations first."""
        table = annotations_table
        query = sa.select(table.c.annotator, table.c.seconds, table.c.at).where(table.c.at >= since)
        skips = (
            sa.select(skips_table.c.annotator, sa.func.count())
            .where(skips_table.c.at >= since)
            .group_by(skips_table.c.annotator)
        )
        seconds: dict[str, list[float]] = {}
        last: dict[str, str] = {}
        with self._database.read() as connection:
            skipped = {str(name): int(count) for name, count in connection.execute(skips)}
            for name, took, at in connection.execute(query.order_by(table.c.at)):
                seconds.setdefault(str(name), []).append(float(took))
                last[str(name)] = str(at)
        names = sorted({*seconds, *skipped}, key=lambda name: (-len(seconds.get(name, ())), name))
        return tuple(
            AnnotatorFigures(
                name,
                len(seconds.get(name, ())),
                skipped.get(name, 0),
                median(seconds[name]) if name in seconds else None,
                last.get(name, ""),
            )
            for name in names
        )


def _queue(connection: sa.Connection, queue: ReviewQueue) -> QueueFigures:
    table = items_table
    mine = table.c.queue == queue
    is_open = table.c.state.in_(OPEN_STATES)
    row = connection.execute(
        sa.select(
            sa.func.count(),
            sa.func.sum(sa.case((is_open, 1), else_=0)),
            sa.func.min(sa.case((is_open, table.c.added_at))),
            sa.func.sum(sa.case((table.c.state == ItemState.DONE, 1), else_=0)),
        ).where(mine)
    ).one()
    newest = connection.execute(
        sa.select(annotations_table.c.seconds, annotations_table.c.at, table.c.added_at)
        .join(table, table.c.id == annotations_table.c.item)
        .where(mine)
        .order_by(annotations_table.c.at.desc())
        .limit(_NEWEST)
    ).all()
    waits = [(_time(at) - _time(added)).total_seconds() for _, at, added in newest]
    return QueueFigures(
        queue,
        int(row[1] or 0),
        str(row[2] or ""),
        int(row[0]),
        int(row[3] or 0),
        median(float(seconds) for seconds, _, _ in newest) if newest else None,
        median(waits) if waits else None,
    )


def _feedback(connection: sa.Connection) -> QueueFigures:
    table = feedback_table
    waits = table.c.state == FeedbackState.WAITING
    row = connection.execute(
        sa.select(
            sa.func.count(),
            sa.func.sum(sa.case((waits, 1), else_=0)),
            sa.func.min(sa.case((waits, table.c.added_at))),
            sa.func.sum(sa.case((table.c.done_at != "", 1), else_=0)),
        )
    ).one()
    newest = connection.execute(
        sa.select(table.c.added_at, table.c.done_at)
        .where(table.c.done_at != "")
        .order_by(table.c.done_at.desc())
        .limit(_NEWEST)
    ).all()
    took = [(_time(done) - _time(added)).total_seconds() for added, done in newest]
    typical = median(took) if took else None
    return QueueFigures(
        FEEDBACK_QUEUE,
        int(row[1] or 0),
        str(row[2] or ""),
        int(row[0]),
        int(row[3] or 0),
        typical,
        typical,
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
