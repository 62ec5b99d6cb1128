"""Whose documents are whose: rows of `metadata` that no request can set, named ``owner``."""

from dataclasses import dataclass

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.infra.storage.dialect import insert_or_ignore
from trimtab.knowledge.records import DocumentState
from trimtab.knowledge.store.database import sealed
from trimtab.knowledge.store.tables import chunks, deletions, documents, metadata, projects

_OWNER = "owner"
_FORMER = "former_owner"
"""Whose content it was before it became another one's: traces may still quote it."""


@dataclass(frozen=True, slots=True)
class OwnedDocument:
    """A document of a person."""

    project: str
    document_id: str
    shared: bool
    """Whether somebody else brought the same content in too."""


class OwnerStore:
    """Finds and gives up what belongs to a person."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, owner: str, *, waiting: bool | None = None) -> list[OwnedDocument]:
        """Return the person's documents.

        Args:
            owner: The person.
            waiting: True for documents that wait for the model or failed, False for the others,
                None for all.
        """
        other = metadata.alias()
        shared = sa.exists().where(
            other.c.document_key == documents.c.key,
            other.c.name == _OWNER,
            other.c.value != owner,
        )
        statement = (
            sa.select(projects.c.name, documents.c.id, shared)
            .join_from(metadata, documents, documents.c.key == metadata.c.document_key)
            .join(projects, projects.c.key == documents.c.project_key)
            .where(metadata.c.name == _OWNER, metadata.c.value == owner)
            .order_by(documents.c.key)
        )
        if waiting is not None:
            ready = documents.c.state == DocumentState.READY
            statement = statement.where(~ready if waiting else ready)
        with self._database.read() as connection:
            return [OwnedDocument(*row) for row in connection.execute(statement)]

    def names(self) -> list[str]:
        """Return everybody who owns or owned a document."""
        statement = sa.select(metadata.c.value).distinct()
        with self._database.read() as connection:
            return sorted(
                connection.scalars(statement.where(metadata.c.name.in_((_OWNER, _FORMER))))
            )

    def passages(self, owner: str) -> int:
        """Return how many passages the person's documents have."""
        statement = (
            sa.select(sa.func.count())
            .select_from(metadata)
            .join(chunks, chunks.c.document_key == metadata.c.document_key)
            .where(metadata.c.name == _OWNER, metadata.c.value == owner)
        )
        with self._database.read() as connection:
            return int(connection.scalar(statement) or 0)

    def leave(self, document_id: str, owner: str) -> None:
        """Take the person off the document's owners."""
        key = sa.select(documents.c.key).where(documents.c.id == document_id).scalar_subquery()
        with self._database.write() as connection:
            mine = (metadata.c.document_key == key) & (metadata.c.value == owner)
            connection.execute(sa.delete(metadata).where(mine, metadata.c.name == _OWNER))

    def former(self, owner: str) -> list[str]:
        """Return ids of documents that were the person's until another person replaced them."""
        statement = sa.select(documents.c.id).join_from(
            metadata, documents, documents.c.key == metadata.c.document_key
        )
        mine = (metadata.c.name == _FORMER) & (metadata.c.value == owner)
        with self._database.read() as connection:
            return list(connection.scalars(statement.where(mine)))

    def forget_former(self, owner: str) -> int:
        """Forget that it was; return how many documents that were."""
        mine = (metadata.c.name == _FORMER) & (metadata.c.value == owner)
        with self._database.write() as connection:
            return int(connection.execute(sa.delete(metadata).where(mine)).rowcount)

    def deleted(self) -> set[str]:
        """Return the ids of all documents that were deleted and have not come back."""
        with self._database.read() as connection:
            return set(connection.scalars(sa.select(deletions.c.document_id)))


def put_owner(connection: sa.Connection, document_key: int, owner: str) -> None:
    """Make that person the only owner of a document whose content has just become theirs."""
    mine = metadata.c.document_key == document_key
    others = mine & (metadata.c.name == _OWNER) & (metadata.c.value != owner)
    for other in list(connection.scalars(sa.select(metadata.c.value).where(others))):
        _put(connection, document_key, _FORMER, other)
    connection.execute(sa.delete(metadata).where(others))
    _put(connection, document_key, _OWNER, owner)


def join_owner(connection: sa.Connection, document_id: str, owner: str) -> None:
    """Add that person to the owners of a document that has any."""
    statement = (
        sa.select(metadata.c.document_key)
        .join_from(metadata, documents, documents.c.key == metadata.c.document_key)
        .where(documents.c.id == document_id, metadata.c.name == _OWNER)
    )
    key = connection.scalar(statement)
    if key is not None:
        _put(connection, key, _OWNER, owner)


def _put(connection: sa.Connection, document_key: int, name: str, value: str) -> None:
    row = sealed("metadata", {"name": name, "value": value})
    statement = insert_or_ignore(connection, metadata)
    connection.execute(statement, {"document_key": document_key, **row})
