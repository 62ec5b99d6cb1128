"""State of each message on each channel, with the dead letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.infra.storage.dialect import replace_row
from trimtab.kernel.redaction import hide_credentials

CHAIN = "notify"


class DeliveryState(StrEnum):
    """State of a message on one channel."""

    DELIVERED = "delivered"
    RETRYING = "retrying"
    DEAD = "dead"
    """Given up after the last attempt; a replay tries again."""


FINAL = (DeliveryState.DELIVERED, DeliveryState.DEAD)

_table = sa.table(
    "notify_deliveries",
    *map(sa.column, ("message", "channel", "state", "attempts", "last_error", "at")),
)
_tests = sa.table("notify_tests", *map(sa.column, ("channel", "at", "error")))


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """Delivery of one message to one channel."""

    message: int
    """Number of the message."""
    channel: str
    state: DeliveryState
    attempts: int
    last_error: str
    at: str


@dataclass(frozen=True, slots=True)
class ChannelTest:
    """Result of the last self-test of a channel."""

    channel: str
    at: str
    error: str
    """Empty when the channel worked."""


class DeliveryLog:
    """Deliveries and self-tests on disk."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, message: int) -> dict[str, DeliveryRecord]:
        """Return the deliveries of a message by channel."""
        query = sa.select(_table).where(_table.c.message == message)
        with self._database.read() as connection:
            return {row["channel"]: _record(row) for row in connection.execute(query).mappings()}

    def put(self, record: DeliveryRecord) -> None:
        """Store the state of a message on a channel."""
        row = {
            "message": record.message,
            "channel": record.channel,
            "state": record.state,
            "attempts": record.attempts,
            "last_error": hide_credentials(record.last_error),
            "at": record.at,
        }
        with self._database.write() as connection:
            replace_row(connection, _table, row, ("message", "channel"))

    def newest(self, state: str = "", limit: int = 100) -> list[DeliveryRecord]:
        """Return deliveries, newest first."""
        query = sa.select(_table).order_by(_table.c.at.desc(), _table.c.message.desc())
        if state:
            query = query.where(_table.c.state == state)
        with self._database.read() as connection:
            rows = connection.execute(query.limit(limit)).mappings()
            return [_record(row) for row in rows]

    def counts(self) -> dict[tuple[str, str], int]:
        """Return how many messages are in each state, by channel and state."""
        query = sa.select(_table.c.channel, _table.c.state, sa.func.count()).group_by(
            _table.c.channel, _table.c.state
        )
        with self._database.read() as connection:
            return {(str(c), str(s)): int(n) for c, s, n in connection.execute(query)}

    def revive(self, message: int | None) -> list[int]:
        """Let dead deliveries wait again, of one message or of all; return their messages."""
        dead = _table.c.state == DeliveryState.DEAD
        if message is not None:
            dead &= _table.c.message == message
        with self._database.write() as connection:
            found = [int(n) for n in connection.scalars(sa.select(_table.c.message).where(dead))]
            values = {"state": DeliveryState.RETRYING, "attempts": 0}
            connection.execute(sa.update(_table).where(dead).values(**values))
        return sorted(set(found))

    def forget(self, messages: Sequence[int]) -> None:
        """Delete the deliveries of messages that are deleted."""
        with self._database.write() as connection:
            connection.execute(sa.delete(_table).where(_table.c.message.in_(messages)))

    def note_test(self, channel: str, at: datetime, error: str) -> ChannelTest:
        """Store the result of a self-test."""
        row = {"channel": channel, "at": at.isoformat(), "error": hide_credentials(error)}
        with self._database.write() as connection:
            replace_row(connection, _tests, row, ("channel",))
        return ChannelTest(**row)

    def tests(self) -> list[ChannelTest]:
        """Return the last self-test of each channel."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(_tests).order_by(_tests.c.channel)).mappings()
            return [ChannelTest(**row) for row in rows]


def _record(row: sa.RowMapping) -> DeliveryRecord:
    return DeliveryRecord(**{**row, "state": DeliveryState(row["state"])})
