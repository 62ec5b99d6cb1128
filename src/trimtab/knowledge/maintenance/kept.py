"""Deletions and erased people in tables that no restore of the knowledge database takes back.

PostgreSQL writes a deletion down in the transaction that deletes, by a trigger of the table
``deletions``: neither a crash nor another process can come in between.
"""

import secrets
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.knowledge.maintenance.deletions import Deletion
from trimtab.knowledge.maintenance.erased_owners import ErasedOwner, digest_of

_SCHEMA = "knowledge_kept"
_deletions = sa.table(
    "deletions", *map(sa.column, ("document_id", "deleted_at", "number")), schema=_SCHEMA
)
_erased = sa.table(
    "erased_owners", *map(sa.column, ("salt", "digest", "erased_at")), schema=_SCHEMA
)


class KeptDeletions:
    """The deletions of all processes; see `Deletions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[Deletion, ...]:
        """Return every deletion, oldest first."""
        statement = sa.select(_deletions).order_by(_deletions.c.deleted_at, _deletions.c.number)
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        return tuple(_deletion(row) for row in rows)

    def since(self, number: int) -> tuple[int, tuple[Deletion, ...]]:
        """Return the deletions recorded after that number, and the number of the last one."""
        later = _deletions.c.number > sa.literal(number, sa.BigInteger())
        statement = sa.select(_deletions).where(later).order_by(_deletions.c.number)
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        return (int(rows[-1].number) if rows else number), tuple(_deletion(row) for row in rows)

    def last_number(self) -> int:
        """Return the number of the last recorded deletion; 0 without one."""
        with self._database.read() as connection:
            return int(connection.scalar(sa.select(sa.func.max(_deletions.c.number))) or 0)

    def record(self, _: Iterable[Deletion]) -> AbstractContextManager[None]:
        """Return an empty context: the transaction that deletes records it."""
        return nullcontext()

    def forget_before(self, oldest: datetime) -> int:
        """Drop the entries up to that date; return how many were dropped."""
        old = sa.delete(_deletions).where(_deletions.c.deleted_at <= oldest.isoformat())
        with self._database.write() as connection:
            return int(connection.execute(old).rowcount)


class KeptErasedOwners:
    """The erased people, as salted hashes; see `Erased`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[ErasedOwner, ...]:
        """Return every entry, oldest first."""
        with self._database.read() as connection:
            return _all_erased(connection)

    def note(self, owner: str, at: datetime) -> None:
        """Record the person; a repeated erasure updates the time of the entry."""
        salt = secrets.token_hex(16)
        row = {"salt": salt, "digest": digest_of(salt, owner), "erased_at": at.isoformat()}
        with self._database.write() as connection:
            for found in _all_erased(connection):
                if found.matches(owner):
                    connection.execute(sa.delete(_erased).where(_erased.c.salt == found.salt))
            connection.execute(sa.insert(_erased).values(**row))

    def forget_before(self, oldest: datetime) -> int:
        """Drop the entries up to that date; return how many were dropped."""
        old = sa.delete(_erased).where(_erased.c.erased_at <= oldest.isoformat())
        with self._database.write() as connection:
            return int(connection.execute(old).rowcount)


def adopt(database: Database, deletions: Iterable[Deletion], erased: Iterable[ErasedOwner]) -> None:
    """Add what another engine has remembered; the newer date of a deletion counts."""
    with database.write() as connection:
        known = dict(
            connection.execute(sa.select(_deletions.c.document_id, _deletions.c.deleted_at)).all()
        )
        for each in deletions:
            at = each.at.isoformat()
            if known.get(each.document_id, "") >= at:
                continue
            mine = _deletions.c.document_id == each.document_id
            connection.execute(sa.delete(_deletions).where(mine))
            row = {"document_id": each.document_id, "deleted_at": at}
            connection.execute(sa.insert(_deletions).values(**row))
            known[each.document_id] = at
        salts = {found.salt for found in _all_erased(connection)}
        for person in erased:
            if person.salt not in salts:
                row = {"salt": person.salt, "digest": person.digest}
                at = person.at.isoformat()
                connection.execute(sa.insert(_erased).values(**row, erased_at=at))


def installation_id(database: Database) -> str:
    """Return the id of the database, which a copy of its tables does not have."""
    installation = sa.table("installation", sa.column("id"), schema=_SCHEMA)
    statement: sa.Select[Any] = sa.select(installation.c.id)
    with database.read() as connection:
        return str(connection.scalar(statement))


def _deletion(row: sa.Row[Any]) -> Deletion:
    return Deletion(row.document_id, datetime.fromisoformat(row.deleted_at))


def _all_erased(connection: sa.Connection) -> tuple[ErasedOwner, ...]:
    rows = connection.execute(sa.select(_erased).order_by(_erased.c.erased_at))
    return tuple(
        ErasedOwner(row.salt, row.digest, datetime.fromisoformat(row.erased_at)) for row in rows
    )
