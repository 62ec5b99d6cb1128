"""SQL of review items, leases and annotations, in the chain ``review``."""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.infra.storage.dialect import insert_or_ignore
from trimtab.kernel.ids import content_id, new_id
from trimtab.review.records import (
    OPEN_STATES,
    Annotation,
    ItemState,
    QueueItem,
    ReviewCandidate,
    ReviewQueue,
    ReviewVerdict,
    queue_of,
)

CHAIN = "review"
_log = logging.getLogger(__name__)

_ITEM = (
    "id",
    "queue",
    "source",
    "subject",
    "reason",
    "project",
    "owner",
    "text",
    "needed",
    "state",
    "lease_by",
    "lease_until",
    "added_at",
    "done_at",
)
items_table = sa.table("review_items", *map(sa.column, (*_ITEM, "lease_at", "archive")))
annotations_table = sa.table(
    "review_annotations",
    *map(
        sa.column,
        (
            "id",
            "item",
            "annotator",
            "kind",
            "verdict",
            "failure_type",
            "answer",
            "documents",
            "note",
            "seconds",
            "at",
        ),
    ),
)
skips_table = sa.table("review_skips", *map(sa.column, ("item", "annotator", "reason", "at")))
_ORDER = {queue: number for number, queue in enumerate(ReviewQueue)}


class ItemStore:
    """Review items on disk; a lease is taken by one conditional update."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.version = 0
        """Grows with each change made here; a cached figure of an earlier version is stale."""

    def add(self, candidates: Iterable[ReviewCandidate], needed: int, at: datetime) -> int:
        """Queue the candidates that are not known yet; return their number.

        A known subject with a more urgent reason moves to the more urgent queue while it is open.
        """
        added = 0
        with self.database.write() as connection:
            for candidate in candidates:
                queue = queue_of(candidate.reason)
                own = content_id("item", candidate.source, candidate.subject)
                row = {
                    "id": own,
                    "queue": queue,
                    "source": candidate.source,
                    "subject": candidate.subject,
                    "reason": candidate.reason,
                    "project": candidate.project,
                    "owner": candidate.owner,
                    "text": candidate.text[:2000],
                    "needed": needed,
                    "state": ItemState.WAITING,
                    "added_at": at.isoformat(),
                }
                insert = insert_or_ignore(connection, items_table).values(**row)
                if connection.execute(insert).rowcount:
                    added += 1
                else:
                    _raise_priority(connection, own, candidate.reason, queue)
        self.version += 1
        return added

    def find(self, item_or_subject: str) -> QueueItem | None:
        """Return the item of that id, or the newest one about that subject; None without one."""
        where = (items_table.c.id == item_or_subject) | (items_table.c.subject == item_or_subject)
        query = _select().where(where).order_by(items_table.c.added_at.desc()).limit(1)
        with self.database.read() as connection:
            found = _items(connection, query)
        return found[0] if found else None

    def open_items(self, queue: str = "", limit: int = 100) -> list[QueueItem]:
        """Return open items, most urgent first, then oldest first."""
        query = _select().where(items_table.c.state.in_(OPEN_STATES)).order_by(*_urgency())
        if queue:
            query = query.where(items_table.c.queue == queue)
        with self.database.read() as connection:
            return _items(connection, query.limit(limit))

    def free_for(self, annotator: str, at: datetime, queue: str, limit: int) -> list[QueueItem]:
        """Return open items that no one holds and the annotator has not judged or skipped."""
        query = _select().where(_free(annotator, at)).order_by(*_urgency()).limit(limit)
        if queue:
            query = query.where(items_table.c.queue == queue)
        with self.database.read() as connection:
            return _items(connection, query)

    def held_by(self, annotator: str, at: datetime) -> list[QueueItem]:
        """Return the items that the annotator holds now, oldest lease first."""
        held = (items_table.c.lease_by == annotator) & (items_table.c.lease_until > at.isoformat())
        query = _select().where(held, items_table.c.state.in_(OPEN_STATES))
        with self.database.read() as connection:
            return _items(connection, query.order_by(items_table.c.lease_at))

    def lease(self, item: str, annotator: str, at: datetime, until: datetime) -> bool:
        """Give the item to the annotator if it is still free; return whether it was."""
        take = (
            sa.update(items_table)
            .where(items_table.c.id == item, _free(annotator, at))
            .values(lease_by=annotator, lease_at=at.isoformat(), lease_until=until.isoformat())
        )
        with self.database.write() as connection:
            taken = connection.execute(take).rowcount == 1
        self.version += 1
        return taken

    def release(self, item: str, annotator: str, at: datetime, skip: str | None = None) -> bool:
        """End the annotator's lease; return whether it still ran.

        Args:
            item: Its id.
            annotator: Who holds it.
            at: Now.
            skip: Why the annotator is not shown the item again; None shows it again.
        """
        with self.database.write() as connection:
            released = connection.execute(
                sa.update(items_table)
                .where(_holds(item, annotator, at))
                .values(lease_by="", lease_at="", lease_until="")
            ).rowcount
            if released and skip is not None:
                row = {"item": item, "annotator": annotator, "reason": skip, "at": at.isoformat()}
                connection.execute(insert_or_ignore(connection, skips_table).values(**row))
        self.version += 1
        return bool(released)

    def annotate(self, item: QueueItem, given: Annotation, state: ItemState, at: datetime) -> bool:
        """Store the annotation, end the lease and set the state, if the lease still runs."""
        done_at = at.isoformat() if state is ItemState.DONE else ""
        with self.database.write() as connection:
            changed = connection.execute(
                sa.update(items_table)
                .where(_holds(item.id, given.annotator, at))
                .values(state=state, done_at=done_at, lease_by="", lease_at="", lease_until="")
            ).rowcount
            if changed:
                row = asdict(given) | {
                    "id": new_id("annotation", at),
                    "item": item.id,
                    "documents": json.dumps(given.documents),
                }
                connection.execute(sa.insert(annotations_table).values(**row))
        self.version += 1
        return bool(changed)

    def leased_at(self, item: str) -> str:
        """Return when the present lease began; empty without one."""
        query = sa.select(items_table.c.lease_at).where(items_table.c.id == item)
        with self.database.read() as connection:
            return str(connection.scalar(query) or "")

    def done_since(self, since: str = "", limit: int = 10_000) -> list[QueueItem]:
        """Return finished items, oldest first."""
        query = _select().where(
            items_table.c.state == ItemState.DONE, items_table.c.done_at >= since
        )
        with self.database.read() as connection:
            return _items(connection, query.order_by(items_table.c.done_at).limit(limit))

    def judged_twice(self) -> list[QueueItem]:
        """Return the items that at least two people have judged."""
        twice = (
            sa.select(annotations_table.c.item)
            .where(annotations_table.c.kind == "annotation")
            .group_by(annotations_table.c.item)
            .having(sa.func.count() > 1)
        )
        with self.database.read() as connection:
            return _items(connection, _select().where(items_table.c.id.in_(twice)))

    def count_damaged(self) -> int:
        """Return the number of items that cannot be read."""
        query = sa.select(sa.func.count()).select_from(items_table).where(damaged())
        with self.database.read() as connection:
            return int(connection.scalar(query) or 0)

    def count_user(self, user_id: str) -> int:
        """Return the number of items about a user."""
        query = (
            sa.select(sa.func.count())
            .select_from(items_table)
            .where(items_table.c.owner == user_id, items_table.c.owner != "")
        )
        with self.database.read() as connection:
            return int(connection.scalar(query) or 0)

    def forget_user(self, user_id: str) -> int:
        """Delete the items about a user with their annotations; return the number."""
        if not user_id:
            return 0
        with self.database.write() as connection:
            gone = connection.execute(
                sa.delete(items_table).where(items_table.c.owner == user_id)
            ).rowcount
        self.version += 1
        return gone

    def drop_subjects(self, subjects: Sequence[str]) -> int:
        """Delete the items about traces that are gone; return the number."""
        if not subjects:
            return 0
        with self.database.write() as connection:
            gone = connection.execute(
                sa.delete(items_table).where(items_table.c.subject.in_(subjects))
            ).rowcount
        self.version += 1
        return gone


def damaged() -> sa.ColumnElement[bool]:
    """Return the condition of the rows that no release can read, but for quarantined ones."""
    table = items_table
    known = table.c.queue.in_(list(ReviewQueue)) & table.c.state.in_(list(ItemState))
    return sa.not_(known) & (table.c.archive == "")


def _raise_priority(connection: sa.Connection, item: str, reason: str, queue: ReviewQueue) -> None:
    lower = [name for name, number in _ORDER.items() if number > _ORDER[queue]]
    connection.execute(
        sa.update(items_table)
        .where(
            items_table.c.id == item,
            items_table.c.state.in_(OPEN_STATES),
            items_table.c.queue.in_(lower),
        )
        .values(queue=queue, reason=reason)
    )


def _select() -> sa.Select[tuple[object, ...]]:
    return sa.select(*(items_table.c[name] for name in _ITEM))


def _urgency() -> tuple[sa.ColumnElement[object], ...]:
    rank = sa.case(_ORDER, value=items_table.c.queue, else_=len(_ORDER))
    return rank, items_table.c.added_at, items_table.c.id


def _free(annotator: str, at: datetime) -> sa.ColumnElement[bool]:
    judged = sa.select(annotations_table.c.item).where(annotations_table.c.annotator == annotator)
    skipped = sa.select(skips_table.c.item).where(skips_table.c.annotator == annotator)
    return sa.and_(
        items_table.c.state.in_(OPEN_STATES),
        items_table.c.lease_until <= at.isoformat(),
        items_table.c.id.not_in(judged),
        items_table.c.id.not_in(skipped),
    )


def _holds(item: str, annotator: str, at: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(
        items_table.c.id == item,
        items_table.c.state.in_(OPEN_STATES),
        items_table.c.lease_by == annotator,
        items_table.c.lease_until > at.isoformat(),
    )


def _items(connection: sa.Connection, query: sa.Select[tuple[object, ...]]) -> list[QueueItem]:
    rows = connection.execute(query).mappings().all()
    given: dict[str, list[Annotation]] = {}
    ids = [str(row["id"]) for row in rows]
    for start in range(0, len(ids), 500):
        part = annotations_table.c.item.in_(ids[start : start + 500])
        kind = annotations_table.c.kind
        order = (annotations_table.c.at, kind.desc(), annotations_table.c.id)
        for row in connection.execute(
            sa.select(annotations_table).where(part).order_by(*order)
        ).mappings():
            if (annotation := _annotation(row)) is not None:
                given.setdefault(str(row["item"]), []).append(annotation)
    found = (_item(row, given.get(str(row["id"]), ())) for row in rows)
    return [item for item in found if item is not None]


def _annotation(row: sa.RowMapping) -> Annotation | None:
    try:
        verdict, documents = ReviewVerdict(row["verdict"]), tuple(json.loads(row["documents"]))
    except ValueError:
        _log.warning("an annotation is damaged", extra={"annotation": str(row["id"])})
        return None
    return Annotation(
        row["annotator"],
        row["kind"],
        verdict,
        row["failure_type"],
        row["answer"],
        documents,
        row["note"],
        float(row["seconds"]),
        row["at"],
    )


def _item(row: sa.RowMapping, annotations: Sequence[Annotation]) -> QueueItem | None:
    """Return the item of a row; None for a damaged one, so that it stops no other's review."""
    try:
        queue, state = ReviewQueue(row["queue"]), ItemState(row["state"])
    except ValueError:
        _log.warning("a review item is damaged", extra={"item": str(row["id"])})
        return None
    return QueueItem(**{**row, "queue": queue, "state": state, "annotations": tuple(annotations)})
