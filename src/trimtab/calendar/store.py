"""Store of the calendar's tasks in the state database."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trimtab.calendar.records import CalendarTask, NewTask, TaskKind, TaskStatus
from trimtab.infra.notify import Message, Outbox
from trimtab.infra.storage import Database
from trimtab.infra.storage.dialect import insert_or_ignore
from trimtab.kernel.redaction import hide_credentials

_COLUMNS = (
    "id",
    "kind",
    "title",
    "owner",
    "due_at",
    "subject",
    "link",
    "created_by",
    "created_at",
    "status",
    "note",
    "closed_by",
    "closed_at",
    "reminded_at",
    "escalations",
)
_tasks = sa.table("calendar_tasks", *map(sa.column, _COLUMNS))
_TIMES = ("closed_at", "reminded_at")


class TaskStore:
    """Tasks by id.

    Args:
        database: Holds the chain ``calendar``.
        outbox: Messages are written in the transaction that causes them.
    """

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox
        self.version = 0
        """Number of changes by this process, for cached figures."""

    def add(self, tasks: Sequence[NewTask], at: datetime) -> int:
        """Add tasks whose id is not known yet; return how many were new."""
        if not tasks:
            return 0
        with self._database.write() as connection:
            insert = insert_or_ignore(connection, _tasks)
            added = sum(
                connection.execute(insert.values(**_row(each, at))).rowcount for each in tasks
            )
        self.version += 1
        return added

    def find(self, task_id: str) -> CalendarTask | None:
        """Return the task, or None."""
        with self._database.read() as connection:
            return _find(connection, task_id)

    def list(
        self,
        status: TaskStatus | None = TaskStatus.OPEN,
        owner: str = "",
        subject: str = "",
        limit: int | None = 1000,
    ) -> list[CalendarTask]:
        """Return tasks, the earliest due first; empty filters match all."""
        query = sa.select(_tasks).order_by(_tasks.c.due_at, _tasks.c.id).limit(limit)
        if status is not None:
            query = query.where(_tasks.c.status == status)
        if owner:
            query = query.where(_tasks.c.owner == owner)
        if subject:
            query = query.where(_tasks.c.subject == subject)
        with self._database.read() as connection:
            return [_task(row) for row in connection.execute(query).mappings()]

    def change(
        self,
        task_id: str,
        change: Callable[[CalendarTask], dict[str, Any] | None],
        messages: Sequence[Message] = (),
        at: datetime | None = None,
    ) -> CalendarTask | None:
        """Change a task as it is now, with messages; return it, or None for an unknown id.

        Args:
            task_id: The task.
            change: Returns the new values; None changes and sends nothing.
            messages: Sent with the change.
            at: When they are sent.
        """
        with self._database.write() as connection:
            task = _find(connection, task_id)
            values = None if task is None else change(task)
            if values is None:
                return task
            connection.execute(
                sa.update(_tasks).where(_tasks.c.id == task_id).values(**_plain(values))
            )
            for message in messages:
                assert at is not None  # noqa: S101 - messages come with their time.
                self._outbox.put(connection, message, at)
            changed = _find(connection, task_id)
        self.version += 1
        return changed


def _find(connection: sa.Connection, task_id: str) -> CalendarTask | None:
    row = connection.execute(sa.select(_tasks).where(_tasks.c.id == task_id)).mappings().first()
    return None if row is None else _task(row)


def _row(task: NewTask, at: datetime) -> dict[str, Any]:
    values = {**asdict(task), "created_at": at, "status": TaskStatus.OPEN}
    empty = dict.fromkeys(("note", "closed_by", *_TIMES), "")
    return {**empty, "escalations": 0, **_plain(values)}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain_value(value) for name, value in values.items()}


def _plain_value(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return hide_credentials(value) if isinstance(value, str) else value


def _task(row: Any) -> CalendarTask:
    values = dict(row)
    for name in ("due_at", "created_at", *_TIMES):
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    values["kind"], values["status"] = TaskKind(values["kind"]), TaskStatus(values["status"])
    return CalendarTask(**values)
