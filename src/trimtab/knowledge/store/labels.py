"""Access labels: rows of `metadata` named ``label`` that decide who may see a document."""

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.infra.storage.dialect import insert_or_ignore
from trimtab.knowledge.store.database import sealed
from trimtab.knowledge.store.dialect import json_list
from trimtab.knowledge.store.tables import documents, metadata

_LABEL = "label"
LABELS = (
    sa.select(json_list(metadata.c.value))
    .where(metadata.c.document_key == documents.c.key, metadata.c.name == _LABEL)
    .scalar_subquery()
)
"""The labels of each selected document as a JSON list."""


class LabelStore:
    """Reads which documents labels hide."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hidden(self, document_ids: Collection[str], labels: Sequence[str]) -> set[str]:
        """Return the documents hidden from a caller with these labels; deleted ones are not."""
        ids, found = list(document_ids), set[str]()
        with self._database.read() as connection:
            for start in range(0, len(ids), 500):
                these = documents.c.id.in_(ids[start : start + 500])
                query = sa.select(documents.c.id).where(these, ~visible(labels))
                found.update(connection.scalars(query))
        return found


def labels_of(project_key: int) -> sa.Select[tuple[str]]:
    """Return the query for the labels that the project's documents have."""
    return (
        sa.select(metadata.c.value)
        .join_from(metadata, documents, documents.c.key == metadata.c.document_key)
        .where(documents.c.project_key == project_key, metadata.c.name == _LABEL)
        .distinct()
    )


def visible(labels: Sequence[str]) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a caller with these labels may see a document.

    It has no label, or shares one.
    """
    mine = (metadata.c.document_key == documents.c.key) & (metadata.c.name == _LABEL)
    shared = sa.exists().where(mine, metadata.c.value.in_(list(labels)))
    return ~sa.exists().where(mine) | shared


def put_labels(connection: sa.Connection, document_key: int, labels: Sequence[str]) -> None:
    """Add labels to those of the document."""
    statement = insert_or_ignore(connection, metadata)
    rows = [
        {"document_key": document_key, **sealed("metadata", {"name": _LABEL, "value": label})}
        for label in labels
    ]
    connection.execute(statement, rows)


def replace_metadata(
    connection: sa.Connection, document_key: int, changes: Mapping[str, Sequence[str]]
) -> None:
    """Replace the document's values of each named metadata."""
    for name, values in changes.items():
        former = (metadata.c.document_key == document_key) & (metadata.c.name == name)
        connection.execute(sa.delete(metadata).where(former))
        rows = [
            {"document_key": document_key, **sealed("metadata", {"name": name, "value": value})}
            for value in sorted(set(values))
        ]
        if rows:
            connection.execute(sa.insert(metadata), rows)
