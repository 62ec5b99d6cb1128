"""Writes a group of documents in one transaction, with statements shared by all of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from trimtab.knowledge.records import Chunk, DocumentState
from trimtab.knowledge.store.labels import put_labels
from trimtab.knowledge.store.owners import put_owner
from trimtab.knowledge.store.seals import intact, sealed
from trimtab.knowledge.store.tables import chunks, deletions, documents, vectors

Vector = NDArray[np.float32]


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


def former_rows(connection: sa.Connection, ids: Sequence[str]) -> dict[str, sa.Row[Any]]:
    """Return the rows of those documents that are there, by id."""
    return {
        row.id: row
        for block in _blocks(ids)
        for row in connection.execute(sa.select(documents).where(documents.c.id.in_(block)))
    }


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
    versions = _put_rows(connection, project_key, group, former, at)
    keys = _document_keys(connection, ids)
    _put_chunks(connection, project_key, group, keys, former)
    _put_vectors(connection, group, keys)
    for document in group:
        if document.owner:
            put_owner(connection, keys[document.id], document.owner)
        if document.labels:
            put_labels(connection, keys[document.id], document.labels)
    for block in _blocks(ids):
        connection.execute(sa.delete(deletions).where(deletions.c.document_id.in_(block)))
    return versions


def _put_rows(
    connection: sa.Connection,
    project_key: int,
    group: Sequence[NewDocument],
    former: Former,
    at: datetime,
) -> dict[str, int]:
    deleted = _deletion_times(connection, [document.id for document in group])
    added: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for document in group:
        now = max(at, deleted.get(document.id, at)).isoformat()
        was = former.get(document.id)
        if was is None:
            added.append(_first_row(document, project_key, now))
        else:
            changed.append(_next_row(document, was, now))
    if added:
        connection.execute(sa.insert(documents), added)
    if changed:
        by_key = documents.c.key == sa.bindparam("this")
        connection.execute(sa.update(documents).where(by_key), changed)
    return {row["id"]: row["version"] for row in (*added, *changed)}


def _first_row(document: NewDocument, project_key: int, now: str) -> dict[str, Any]:
    first = {
        "id": document.id,
        "project_key": project_key,
        "name": document.name,
        "version": 1,
        "created_at": now,
    }
    return sealed("documents", {**_content(document, now), **first})


def _next_row(document: NewDocument, was: sa.Row[Any], now: str) -> dict[str, Any]:
    row = intact("documents", was)._asdict()
    key = row.pop("key")
    changes = {**_content(document, now), "version": was.version + 1}
    return {"this": key, **sealed("documents", {**row, **changes})}


def _content(document: NewDocument, now: str) -> dict[str, Any]:
    return {
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


def _deletion_times(connection: sa.Connection, ids: Sequence[str]) -> dict[str, datetime]:
    """Return a time just after each document's deletion, so that a new version is newer."""
    return {
        row.document_id: datetime.fromisoformat(intact("deletions", row).deleted_at)
        + timedelta(microseconds=1)
        for block in _blocks(ids)
        for row in connection.execute(
            sa.select(deletions).where(deletions.c.document_id.in_(block))
        )
    }


def _document_keys(connection: sa.Connection, ids: Sequence[str]) -> dict[str, int]:
    return {
        row.id: row.key
        for block in _blocks(ids)
        for row in connection.execute(
            sa.select(documents.c.id, documents.c.key).where(documents.c.id.in_(block))
        )
    }


def _put_chunks(
    connection: sa.Connection,
    project_key: int,
    group: Sequence[NewDocument],
    keys: Mapping[str, int],
    former: Former,
) -> None:
    replaced = [keys[document.id] for document in group if document.id in former]
    old = {row.id: row for row in _chunk_rows(connection, replaced)}
    stay = {chunk.id for document in group for chunk in document.chunks}
    gone = [row.key for row in old.values() if row.id not in stay]
    for block in _blocks(gone):
        connection.execute(sa.delete(chunks).where(chunks.c.key.in_(block)))
    added: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    for document in group:
        for chunk in document.chunks:
            was = old.get(chunk.id)
            if was is None:
                added.append(chunk_row(chunk, project_key, keys[document.id]))
            elif _moved(was, chunk):
                row = chunk_row(chunk, project_key, keys[document.id])
                moved.append({"this": was.key, **{name: row[name] for name in _PLACE}})
    if added:
        connection.execute(sa.insert(chunks), added)
    if moved:
        by_key = chunks.c.key == sa.bindparam("this")
        connection.execute(sa.update(chunks).where(by_key), moved)


def _moved(was: Any, chunk: Chunk) -> bool:
    return (was.ordinal, was.start_offset, was.page) != (chunk.ordinal, chunk.start, chunk.page)


def _put_vectors(
    connection: sa.Connection, group: Sequence[NewDocument], keys: Mapping[str, int]
) -> None:
    made = [document for document in group if document.vectors]
    found = _chunk_rows(connection, [keys[document.id] for document in made])
    chunk_keys = {row.id: row.key for row in found}
    rows = [
        vector_row(chunk_keys[chunk_id], document.model, vector)
        for document in made
        for chunk_id, vector in document.vectors.items()
    ]
    if rows:
        connection.execute(sa.insert(vectors).prefix_with("OR REPLACE"), rows)


def _chunk_rows(connection: sa.Connection, document_keys: Sequence[int]) -> Iterator[Any]:
    """Yield id, key and place of every passage of the documents."""
    column = chunks.c
    selected = sa.select(column.id, column.key, column.ordinal, column.start_offset, column.page)
    for block in _blocks(document_keys):
        yield from connection.execute(selected.where(column.document_key.in_(block)))


def _blocks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[start : start + _BLOCK] for start in range(0, len(values), _BLOCK))


def vector_row(chunk_key: int, model: str, vector: Vector) -> dict[str, Any]:
    """Return the row of a passage's vector."""
    # Half precision moves a cosine by less than 0.001.
    row = {"model": model, "vector": vector.astype(np.float16).tobytes()}
    return {"chunk_key": chunk_key, **sealed("vectors", row)}


def chunk_row(chunk: Chunk, project_key: int, document_key: int) -> dict[str, Any]:
    """Return the row of a passage."""
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


def without_vector(connection: sa.Connection, document_key: int) -> tuple[tuple[int, str], ...]:
    """Return key and embedded text of the document's passages that have no vector."""
    statement = (
        sa.select(chunks)
        .outerjoin_from(chunks, vectors, vectors.c.chunk_key == chunks.c.key)
        .where(chunks.c.document_key == document_key, vectors.c.chunk_key.is_(None))
        .order_by(chunks.c.ordinal)
    )
    return tuple(
        (row.key, Chunk("", 0, 0, 0, row.text, None, row.heading).embedded_text())
        for row in map(_intact_chunk, connection.execute(statement))
    )


def _intact_chunk(row: sa.Row[Any]) -> sa.Row[Any]:
    return intact("chunks", row)


def set_state(
    connection: sa.Connection, key: int, state: DocumentState, *, attempts: int, error: str
) -> None:
    """Set the document's state."""
    by_key = documents.c.key == key
    row = intact("documents", connection.execute(sa.select(documents).where(by_key)).one())
    changes = {"state": state, "attempts": attempts, "last_error": error}
    values = sealed("documents", {**row._asdict(), **changes})
    connection.execute(sa.update(documents).where(by_key).values(values))
