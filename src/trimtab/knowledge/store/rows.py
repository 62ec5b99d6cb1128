"""How a document's rows are written inside a transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from trimtab.knowledge.records import Chunk, DocumentState
from trimtab.knowledge.store.projects import ProjectRow
from trimtab.knowledge.store.seals import intact, sealed
from trimtab.knowledge.store.tables import chunks, documents, vectors

Vector = NDArray[np.float32]
_PLACE = ("ordinal", "start_offset", "end_offset", "page", "seal")


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


def packed(vector: Vector) -> bytes:
    """Return the vector as stored: half precision, which moves a cosine by less than 0.001."""
    return vector.astype(np.float16).tobytes()


def put_document(
    connection: sa.Connection, project: ProjectRow, document: NewDocument, at: datetime
) -> tuple[int, int]:
    """Insert or update the document's row; return its key and version."""
    values = {
        "title": document.title,
        "media_type": document.media_type,
        "source_hash": document.source_hash,
        "size_bytes": document.size_bytes,
        "characters": document.characters,
        "state": document.state,
        "attempts": 0,
        "last_error": "",
        "updated_at": at.isoformat(),
    }
    row = connection.execute(sa.select(documents).where(documents.c.id == document.id)).first()
    if row is not None:
        former = intact("documents", row)._asdict()
        changes = sealed("documents", {**former, **values, "version": row.version + 1})
        connection.execute(sa.update(documents).where(documents.c.key == row.key).values(changes))
        return row.key, row.version + 1
    first = {
        **values,
        "id": document.id,
        "project_key": project.key,
        "name": document.name,
        "version": 1,
        "created_at": at.isoformat(),
    }
    connection.execute(sa.insert(documents).values(sealed("documents", first)))
    key = connection.scalar(sa.select(documents.c.key).where(documents.c.id == document.id))
    return int(key or 0), 1


def put_chunks(
    connection: sa.Connection, project_key: int, document_key: int, document: NewDocument
) -> None:
    """Make the document's passages those given; the ones that stay keep their keys and vectors."""
    old = {
        row.id: row
        for row in connection.execute(
            sa.select(
                chunks.c.id,
                chunks.c.key,
                chunks.c.ordinal,
                chunks.c.start_offset,
                chunks.c.page,
            ).where(chunks.c.document_key == document_key)
        )
    }
    new_ids = {chunk.id for chunk in document.chunks}
    gone = [row.key for chunk_id, row in old.items() if chunk_id not in new_ids]
    for start in range(0, len(gone), 500):
        connection.execute(sa.delete(chunks).where(chunks.c.key.in_(gone[start : start + 500])))
    added = [
        _row(chunk, project_key, document_key) for chunk in document.chunks if chunk.id not in old
    ]
    if added:
        connection.execute(sa.insert(chunks), added)
    for chunk in document.chunks:
        was = old.get(chunk.id)
        if was and (was.ordinal, was.start_offset, was.page) != (
            chunk.ordinal,
            chunk.start,
            chunk.page,
        ):
            row = _row(chunk, project_key, document_key)
            moved = {name: row[name] for name in _PLACE}
            connection.execute(sa.update(chunks).where(chunks.c.key == was.key).values(moved))
    _put_vectors(connection, document_key, document)


def _put_vectors(connection: sa.Connection, document_key: int, document: NewDocument) -> None:
    if not document.vectors:
        return
    keys = {
        row.id: row.key
        for row in connection.execute(
            sa.select(chunks.c.id, chunks.c.key).where(chunks.c.document_key == document_key)
        )
    }
    rows = [
        vector_row(keys[chunk_id], document.model, vector)
        for chunk_id, vector in document.vectors.items()
    ]
    connection.execute(sa.insert(vectors).prefix_with("OR REPLACE"), rows)


def vector_row(chunk_key: int, model: str, vector: Vector) -> dict[str, object]:
    """Return the row of a passage's vector."""
    row = {"model": model, "vector": packed(vector)}
    return {"chunk_key": chunk_key, **sealed("vectors", row)}


def _row(chunk: Chunk, project_key: int, document_key: int) -> dict[str, object]:
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
    this = documents.c.key == key
    row = intact("documents", connection.execute(sa.select(documents).where(this)).one())
    changes = {"state": state, "attempts": attempts, "last_error": error}
    values = sealed("documents", {**row._asdict(), **changes})
    connection.execute(sa.update(documents).where(this).values(values))
