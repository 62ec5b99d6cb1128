"""Archives of cleared queues: a queue is archived before it is cleared, and can be restored."""

from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.kernel.ids import new_id
from trimtab.review.errors import ArchiveRestored, ArchiveUnknown
from trimtab.review.feedback_store import FeedbackState, feedback_table
from trimtab.review.records import FEEDBACK_QUEUE, OPEN_STATES, Archive, ItemState
from trimtab.review.store import annotations_table, damaged, items_table

DAMAGED = "damaged"
"""Stands for the queue in the archive of damaged items."""
_archives = sa.table(
    "review_archives", *map(sa.column, ("id", "queue", "at", "by", "items", "restored_at"))
)


class ArchiveStore:
    """Archives and restores whole queues; the rows stay where they are and change their state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def clear(self, queue: str, actor: str, at: datetime) -> Archive:
        """Archive every open item of a queue and end its leases, in one transaction."""
        archive = new_id("archive", at)
        with self._database.write() as connection:
            table, waits, values = _open_rows(queue)
            values["archive"] = archive
            count = connection.execute(sa.update(table).where(waits).values(**values)).rowcount
            row = Archive(archive, queue, at.isoformat(), actor, count, "")
            connection.execute(
                sa.insert(_archives).values(
                    id=row.id, queue=queue, at=row.at, by=actor, items=count, restored_at=""
                )
            )
        return row

    def quarantine(self, actor: str, at: datetime) -> Archive:
        """Archive every damaged item, so that it can be looked at; its row stays as it is."""
        archive = new_id("archive", at)
        with self._database.write() as connection:
            values = {"state": ItemState.ARCHIVED, "archive": archive}
            count = connection.execute(
                sa.update(items_table).where(damaged()).values(**values)
            ).rowcount
            row = Archive(archive, DAMAGED, at.isoformat(), actor, count, "")
            if count:
                connection.execute(sa.insert(_archives).values(**asdict(row)))
        return row

    def restore(self, archive_id: str, at: datetime) -> int:
        """Queue the archive's items again; return their number.

        Raises:
            ArchiveUnknown: There is no such archive.
            ArchiveRestored: It was restored before.
        """
        with self._database.write() as connection:
            row = connection.execute(
                sa.select(_archives).where(_archives.c.id == archive_id)
            ).first()
            if row is None:
                raise ArchiveUnknown(f"There is no archive {archive_id!r}.")
            if row.restored_at:
                raise ArchiveRestored(
                    f"The archive {archive_id} was restored at {row.restored_at}."
                )
            done = sa.update(_archives).where(_archives.c.id == archive_id)
            connection.execute(done.values(restored_at=at.isoformat()))
            if row.queue == FEEDBACK_QUEUE:
                return connection.execute(
                    sa.update(feedback_table)
                    .where(feedback_table.c.archive == archive_id)
                    .values(state=FeedbackState.WAITING, archive="")
                ).rowcount
            mine = items_table.c.archive == archive_id
            judged = (
                sa.select(sa.func.count())
                .where(annotations_table.c.item == items_table.c.id)
                .scalar_subquery()
            )
            # As many annotations as needed and still open: it had waited for an adjudication.
            state = sa.case(
                (judged >= items_table.c.needed, ItemState.ADJUDICATION), else_=ItemState.WAITING
            )
            return connection.execute(
                sa.update(items_table).where(mine).values(state=state, archive="")
            ).rowcount

    def list(self, limit: int = 100) -> list[Archive]:
        """Return the archives, newest first."""
        query = sa.select(_archives).order_by(_archives.c.at.desc()).limit(limit)
        with self._database.read() as connection:
            return [Archive(**row) for row in connection.execute(query).mappings()]


def _open_rows(queue: str) -> tuple[sa.TableClause, sa.ColumnElement[bool], dict[str, str]]:
    """Return the table of a queue, its open rows, and what archiving sets."""
    if queue == FEEDBACK_QUEUE:
        waits = feedback_table.c.state == FeedbackState.WAITING
        return feedback_table, waits, {"state": FeedbackState.ARCHIVED}
    is_open = sa.and_(items_table.c.queue == queue, items_table.c.state.in_(OPEN_STATES))
    lease = {"lease_by": "", "lease_at": "", "lease_until": ""}
    return items_table, is_open, {"state": ItemState.ARCHIVED, **lease}
