"""A document ready to be written, its rows, and its state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from trimtab.knowledge.records import Chunk, DocumentState
from trimtab.knowledge.store.seals import intact, sealed
from trimtab.knowledge.store.tables import chunks, documents, vectors

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


def packed(vector: Vector) -> bytes:
    """Return the vector as stored: half precision, which moves a cosine by less than 0.001."""
    return vector.astype(np.float16).tobytes()


def vector_row(chunk_key: int, model: str, vector: Vector) -> dict[str, Any]:
    """Return the row of a passage's vector."""
    row = {"model": model, "vector": packed(vector)}
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
    this = documents.c.key == key
    row = intact("documents", connection.execute(sa.select(documents).where(this)).one())
    changes = {"state": state, "attempts": attempts, "last_error": error}
    values = sealed("documents", {**row._asdict(), **changes})
    connection.execute(sa.update(documents).where(this).values(values))
