"""What a search reads: words, vectors, and the live rows that every hit is joined with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from trimtab.infra.storage import Database
from trimtab.knowledge.store.tables import chunks, documents, projects, vectors


@dataclass(frozen=True, slots=True)
class VectorRows:
    """All vectors of a project: keys of shape (n,), rows of unit length of shape (n, dimension)."""

    keys: NDArray[np.int64]
    rows: NDArray[np.float32]
    index_version: int


@dataclass(frozen=True, slots=True)
class LiveChunk:
    """A passage that exists now."""

    key: int
    id: str
    document_id: str
    document_name: str
    title: str
    text: str
    start: int
    page: int | None
    heading: str


class SearchStore:
    """Reads for searches; writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def version(self, project_key: int) -> int:
        """Return the project's index version now."""
        with self._database.read() as connection:
            return _version(connection, project_key)

    def by_words(self, project_key: int, match: str, limit: int) -> list[tuple[int, float]]:
        """Return chunk keys and BM25 scores (higher is better), best first.

        Args:
            project_key: Whose chunks.
            match: An FTS5 query.
            limit: At most so many.
        """
        statement = sa.text(
            "SELECT chunks_fts.rowid AS key, -bm25(chunks_fts, 1.0, 1.0) AS score"
            " FROM chunks_fts JOIN chunks ON chunks.key = chunks_fts.rowid"
            " WHERE chunks_fts MATCH :match AND chunks.project_key = :project"
            " ORDER BY score DESC, chunks_fts.rowid LIMIT :limit"
        )
        given = {"match": match, "project": project_key, "limit": limit}
        with self._database.read() as connection:
            return [(row.key, row.score) for row in connection.execute(statement, given)]

    def vectors(self, project_key: int, model: str, dimension: int) -> VectorRows:
        """Return all vectors of the project made by that model, and the version they belong to."""
        statement = (
            sa.select(vectors.c.chunk_key, vectors.c.vector)
            .join_from(vectors, chunks, chunks.c.key == vectors.c.chunk_key)
            .where(chunks.c.project_key == project_key, vectors.c.model == model)
            .order_by(vectors.c.chunk_key)
        )
        with self._database.read() as connection:
            version = _version(connection, project_key)
            found = connection.execute(statement).all()
        keys = np.fromiter((row.chunk_key for row in found), dtype=np.int64, count=len(found))
        packed = np.frombuffer(b"".join(row.vector for row in found), dtype=np.float16)
        return VectorRows(keys, packed.reshape(-1, dimension).astype(np.float32), version)

    def live(self, project_key: int, keys: Sequence[int]) -> dict[int, LiveChunk]:
        """Return those of the chunks that exist now in that project, by key."""
        statement = (
            sa.select(
                chunks.c.key,
                chunks.c.id,
                chunks.c.text,
                chunks.c.start_offset,
                chunks.c.page,
                chunks.c.heading,
                documents.c.id.label("document_id"),
                documents.c.name,
                documents.c.title,
            )
            .join_from(chunks, documents, documents.c.key == chunks.c.document_key)
            .where(chunks.c.key.in_(keys), documents.c.project_key == project_key)
        )
        with self._database.read() as connection:
            return {row.key: _live(row) for row in connection.execute(statement)}


def _live(row: Any) -> LiveChunk:
    return LiveChunk(
        key=row.key,
        id=row.id,
        document_id=row.document_id,
        document_name=row.name,
        title=row.title,
        text=row.text,
        start=row.start_offset,
        page=row.page,
        heading=row.heading,
    )


def _version(connection: sa.Connection, project_key: int) -> int:
    found = connection.scalar(
        sa.select(projects.c.index_version).where(projects.c.key == project_key)
    )
    return int(found or 0)
