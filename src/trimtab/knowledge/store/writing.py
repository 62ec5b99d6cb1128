"""Writes a group of documents in one transaction, with statements shared by all of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from trimtab.knowledge.chunking import embedded_text
from trimtab.knowledge.records import Chunk, DocumentState
from trimtab.knowledge.store.database import intact, sealed
from trimtab.knowledge.store.dialect import insert_or_replace, is_postgresql
from trimtab.knowledge.store.labels import put_labels
from trimtab.knowledge.store.owners import put_owner
from trimtab.knowledge.store.postgres_words import add_words
from trimtab.knowledge.store.tables import chunks, deletions, documents, vectors

Vector = NDArray[np.float32]
Column = sa.ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document ready to be written: everything of it, or nothing."""

    id: str
    name: str
    title: str
    media_type: str
    source_hash: str
    size_bytes: int
    characters: int
    chunks: Sequence[Chunk]
    vectors: Mapping[str, Vector]
    """New vectors by chunk id; chunks that had one keep it."""
    model: str
    state: DocumentState
    owner: str = ""
    """Whose content it is; empty leaves the owners as they are."""
    labels: tuple[str, ...] = ()
    """Access labels to add."""


Former = Mapping[str, sa.Row[Any]]
"""The rows of the documents that are there already, by id."""

_PLACE = ("ordinal", "start_offset", "end_offset", "page", "seal")
# SQLite takes at least 999 values in a statement.
_BLOCK = 500
_KEY: sa.BindParameter[Any] = sa.bindparam("row_key")


def select_in(
    connection: sa.Connection, statement: sa.Select[Any], column: Column, values: Sequence[Any]
) -> Iterator[sa.Row[Any]]:
    """Yield the statement's rows whose column has one of the values."""
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        yield from connection.execute(statement.where(column.in_(block)))


def put_documents(
    connection: sa.Connection,
    project_key: int,
    group: Sequence[NewDocument],
    former: Former,
    at: datetime,
) -> dict[str, int]:
    """Write documents with distinct ids, replacing former rows; return versions by id.

    Passages that stay keep their keys and vectors.
    """
    ids = [document.id for document in group]
    deleted = {
        row.document_id: intact("deletions", row).deleted_at
        for row in select_in(connection, sa.select(deletions), deletions.c.document_id, ids)
    }
    added: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for document in group:
        now, was = at, former.get(document.id)
        if document.id in deleted:
            # A new version must be newer than the deletion.
            after = datetime.fromisoformat(deleted[document.id]) + timedelta(microseconds=1)
            now = max(at, after)
        row = _document_row(document, project_key, was, now.isoformat())
        (added if was is None else changed).append(row)
    _execute(connection, sa.insert(documents), added)
    _execute(connection, sa.update(documents).where(documents.c.key == _KEY), changed)
    _execute(
        connection,
        sa.delete(deletions).where(deletions.c.document_id == _KEY),
        [{"row_key": document_id} for document_id in deleted],
    )
    by_id = sa.select(documents.c.id, documents.c.key)
    keys = {row.id: row.key for row in select_in(connection, by_id, documents.c.id, ids)}
    _put_chunks(connection, project_key, group, keys, former)
    for document in group:
        if document.owner:
            put_owner(connection, keys[document.id], document.owner)
        if document.labels:
            put_labels(connection, keys[document.id], document.labels)
    return {row["id"]: row["version"] for row in (*added, *changed)}


def _document_row(
    document: NewDocument, project_key: int, was: sa.Row[Any] | None, now: str
) -> dict[str, Any]:
    """Return the row of a new document, or of the next version of ``was``."""
    content = {
        "title": document.title,
        "media_type": document.media_type,
        "source_hash": document.source_hash,
        "size_bytes": document.size_bytes,
        "characters": document.characters,
        "state": document.state,
        "attempts": 0,
        "last_error": "",
        "updated_at": now,
    }
    if was is None:
        first = {
            "id": document.id,
            "project_key": project_key,
            "name": document.name,
            "version": 1,
            "created_at": now,
        }
        return sealed("documents", {**content, **first})
    row = intact("documents", was)._asdict()
    key = row.pop("key")
    return {"row_key": key, **sealed("documents", {**row, **content, "version": was.version + 1})}


def _put_chunks(
    connection: sa.Connection,
    project_key: int,
    group: Sequence[NewDocument],
    keys: Mapping[str, int],
    former: Former,
) -> None:
    """Write the passages that are new or moved, delete those that are gone, add the vectors."""
    of_document, column = chunks.c.document_key, chunks.c
    positions = sa.select(column.id, column.key, column.ordinal, column.start_offset, column.page)
    replaced = [keys[document.id] for document in group if document.id in former]
    old = {row.id: row for row in select_in(connection, positions, of_document, replaced)}
    stay = {chunk.id for document in group for chunk in document.chunks}
    gone = [{"row_key": row.key} for row in old.values() if row.id not in stay]
    added: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    for document in group:
        for chunk in document.chunks:
            was, place = old.get(chunk.id), (chunk.ordinal, chunk.start, chunk.page)
            if was is not None and (was.ordinal, was.start_offset, was.page) == place:
                continue
            row = _chunk_row(chunk, project_key, keys[document.id])
            if was is None:
                added.append(row)
            else:
                moved.append({"row_key": was.key, **{name: row[name] for name in _PLACE}})
    _execute(connection, sa.delete(chunks).where(chunks.c.key == _KEY), gone)
    _execute(connection, sa.insert(chunks), added)
    if is_postgresql(connection):
        add_words(connection, added)
    _execute(connection, sa.update(chunks).where(chunks.c.key == _KEY), moved)
    made = [document for document in group if document.vectors]
    by_id = sa.select(column.id, column.key)
    in_made = select_in(connection, by_id, of_document, [keys[document.id] for document in made])
    key_of = {row.id: row.key for row in in_made}
    rows = [
        vector_row(key_of[chunk_id], document.model, vector)
        for document in made
        for chunk_id, vector in document.vectors.items()
    ]
    _execute(connection, insert_or_replace(connection, vectors), rows)


def _chunk_row(chunk: Chunk, project_key: int, document_key: int) -> dict[str, Any]:
    row = {
        "id": chunk.id,
        "project_key": project_key,
        "document_key": document_key,
        "ordinal": chunk.ordinal,
        "start_offset": chunk.start,
        "end_offset": chunk.end,
        "page": chunk.page,
        "heading": chunk.heading,
        "text": chunk.text,
    }
    return sealed("chunks", row)


def _execute(connection: sa.Connection, statement: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Execute the statement for all rows at once; nothing for none."""
    if rows:
        connection.execute(statement, rows)


def vector_row(chunk_key: int, model: str, vector: Vector) -> dict[str, Any]:
    """Return the row of a passage's vector."""
    # Half precision moves a cosine by less than 0.001.
    row = {"model": model, "vector": vector.astype(np.float16).tobytes()}
    return {"chunk_key": chunk_key, **sealed("vectors", row)}


def without_vector(connection: sa.Connection, document_key: int) -> tuple[tuple[int, str], ...]:
    """Return key and embedded text of the document's passages that have no vector."""
    statement = (
        sa.select(chunks)
        .outerjoin_from(chunks, vectors, vectors.c.chunk_key == chunks.c.key)
        .where(chunks.c.document_key == document_key, vectors.c.chunk_key.is_(None))
        .order_by(chunks.c.ordinal)
    )
    return tuple(
        (row.key, embedded_text(intact("chunks", row).heading, row.text))
        for row in connection.execute(statement)
    )


def set_state(
    connection: sa.Connection, key: int, state: DocumentState, *, attempts: int, error: str
) -> None:
    """Set the document's state."""
    by_key = documents.c.key == key
    row = intact("documents", connection.execute(sa.select(documents).where(by_key)).one())
    changes = {"state": state, "attempts": attempts, "last_error": error}
    values = sealed("documents", {**row._asdict(), **changes})
    connection.execute(sa.update(documents).where(by_key).values(values))
