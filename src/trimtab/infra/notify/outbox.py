"""Outbox of messages waiting for delivery, stored in the database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from trimtab.infra.fleet import Fleet
from trimtab.infra.notify.deliveries import DeliveryLog
from trimtab.infra.notify.routes import Kind, Message
from trimtab.infra.storage import Database
from trimtab.infra.storage.dialect import insert_or_ignore
from trimtab.kernel.redaction import hide_credentials

_FIRST_RETRY_SECONDS = 2.0
_LONGEST_RETRY_SECONDS = 600.0
_CLAIM_SECONDS = 120.0
"""Above the time that all channels together need for one message."""

_table = sa.table(
    "notify_outbox",
    sa.column("id", sa.Integer),
    *(
        sa.column(name)
        for name in (
            "key",
            "channel",
            "kind",
            "text",
            "subject",
            "created_at",
            "attempts",
            "next_attempt_at",
            "delivered_at",
            "last_error",
        )
    ),
)


@dataclass(frozen=True, slots=True)
class PendingMessage:
    """A message that waits for delivery."""

    id: int
    message: Message
    attempts: int


class Outbox:
    """Stores messages until delivery; each key is sent once, or twice after a crash.

    Args:
        database: Holds the messages.
        fleet: Other processes that deliver from it; one at a time has a message.
    """

    def __init__(self, database: Database, fleet: Fleet | None = None) -> None:
        self._database = database
        self._fleet = fleet
        self.deliveries = DeliveryLog(database)

    def put(self, connection: sa.Connection, message: Message, at: datetime) -> None:
        """Add a message in the caller's transaction; a known key is ignored."""
        insert = insert_or_ignore(connection, _table)
        connection.execute(
            insert.values(
                key=f"{message.channel}|{message.key}",
                channel=message.channel,
                kind=message.kind,
                text=hide_credentials(message.text),
                subject=hide_credentials(message.subject),
                created_at=at.isoformat(),
                attempts=0,
                next_attempt_at=at.isoformat(),
            )
        )

    def add(self, message: Message, at: datetime) -> None:
        """Add a message in its own transaction."""
        with self._database.write() as connection:
            self.put(connection, message, at)

    def due(self, at: datetime, limit: int = 50) -> list[PendingMessage]:
        """Return undelivered messages that are due, oldest first."""
        query = (
            sa.select(_table)
            .where(_table.c.delivered_at.is_(None), _table.c.next_attempt_at <= at.isoformat())
            .order_by(_table.c.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_waiting(row) for row in connection.execute(query)]

    @contextmanager
    def claimed(self, waiting: PendingMessage, at: datetime) -> Iterator[PendingMessage | None]:
        """Claim a due message; yield it as it is now, or None if another process has it.

        A process that ends while it delivers is replaced after two minutes.
        """
        if self._fleet is None or not self._fleet.shared:
            yield waiting
            return
        with self._fleet.claimed(f"outbox {waiting.id}", _CLAIM_SECONDS) as held:
            # Another process may have delivered it since the list was read.
            yield self._find_due(waiting.id, at) if held else None

    def _find_due(self, message: int, at: datetime) -> PendingMessage | None:
        query = sa.select(_table).where(
            _table.c.id == message,
            _table.c.delivered_at.is_(None),
            _table.c.next_attempt_at <= at.isoformat(),
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
            return None if row is None else _waiting(row)

    def mark_delivered(self, waiting: PendingMessage, at: datetime) -> None:
        """Mark a message as delivered."""
        self._update(waiting, delivered_at=at.isoformat(), attempts=waiting.attempts + 1)

    def mark_failed(self, waiting: PendingMessage, at: datetime, error: str) -> None:
        """Schedule a retry; the pause doubles from 2 seconds to 10 minutes."""
        pause = min(_LONGEST_RETRY_SECONDS, _FIRST_RETRY_SECONDS * 2.0 ** min(waiting.attempts, 20))
        self._update(
            waiting,
            attempts=waiting.attempts + 1,
            next_attempt_at=(at + timedelta(seconds=pause)).isoformat(),
            last_error=hide_credentials(error),
        )

    def revive(self, message: int | None, at: datetime) -> list[int]:
        """Send dead letters again, one or all; return their numbers."""
        found = self.deliveries.revive(message)
        with self._database.write() as connection:
            again = sa.update(_table).where(_table.c.id.in_(found))
            values = {"delivered_at": None, "attempts": 0, "next_attempt_at": at.isoformat()}
            connection.execute(again.values(**values))
        return found

    def undelivered(self) -> int:
        """Return the number of undelivered messages."""
        query = sa.select(sa.func.count()).where(_table.c.delivered_at.is_(None))
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def oldest_untried(self) -> str:
        """Return when the oldest message was written that no one has tried to deliver; or empty."""
        query = sa.select(sa.func.min(_table.c.created_at)).where(
            _table.c.delivered_at.is_(None), _table.c.attempts == 0
        )
        with self._database.read() as connection:
            return str(connection.execute(query).scalar() or "")

    def about(self, subject: str) -> list[Message]:
        """Return every message about a subject, oldest first."""
        query = sa.select(_table).where(_table.c.subject == subject).order_by(_table.c.id)
        with self._database.read() as connection:
            return [_waiting(row).message for row in connection.execute(query)]

    def naming(self, person: str) -> int:
        """Return the number of messages, delivered or not, that name a person."""
        return len(self._naming(person))

    def forget(self, person: str) -> int:
        """Delete the messages that name a person; return their number."""
        ids = self._naming(person)
        with self._database.write() as connection:
            connection.execute(sa.delete(_table).where(_table.c.id.in_(ids)))
        self.deliveries.forget(ids)
        return len(ids)

    def _naming(self, person: str) -> list[int]:
        # Whole words only: the user "an" is not named by a word that contains "an".
        named = re.compile(rf"(?<![\w@.-]){re.escape(person)}(?![\w@-])")
        query = sa.select(_table.c.id, _table.c.text, _table.c.subject, _table.c.last_error).where(
            _table.c.text.contains(person, autoescape=True)
            | _table.c.subject.contains(person, autoescape=True)
            | _table.c.last_error.contains(person, autoescape=True)
        )
        with self._database.read() as connection:
            return [
                int(row.id)
                for row in connection.execute(query)
                if any(named.search(str(text or "")) for text in row[1:])
            ]

    def _update(self, waiting: PendingMessage, **values: object) -> None:
        with self._database.write() as connection:
            connection.execute(sa.update(_table).where(_table.c.id == waiting.id).values(**values))


def _waiting(row: sa.Row[tuple[object, ...]]) -> PendingMessage:
    _, _, key = str(row.key).partition("|")
    message = Message(row.channel, Kind(row.kind), row.text, key, row.subject)
    return PendingMessage(int(row.id), message, int(row.attempts))
