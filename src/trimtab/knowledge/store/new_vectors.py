"""Vectors of another embedder, kept next to a project's own until it has all of them."""

from collections.abc import Mapping
from contextlib import AbstractContextManager

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from trimtab.infra.storage import Database
from trimtab.knowledge.chunking import embedded_text
from trimtab.knowledge.records import DocumentState
from trimtab.knowledge.store.database import intact
from trimtab.knowledge.store.dialect import insert_or_replace
from trimtab.knowledge.store.projects import bump_index_version, set_project
from trimtab.knowledge.store.tables import chunks, documents, new_vectors, vectors
from trimtab.knowledge.store.turns import try_turn
from trimtab.knowledge.store.writing import set_state, vector_row


class NewVectorStore:
    """Keeps the vectors of an unfinished change of the embedder, and completes the change."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def try_turn(self, work: str) -> AbstractContextManager[bool]:
        """Provide whether no other process does that work; see `turns`."""
        return try_turn(self._database, work)

    def counts(self, project_key: int, model: str) -> tuple[int, int]:
        """Return how many passages have a new vector of that model, and how many there are."""
        made = sa.func.count(new_vectors.c.chunk_key)
        statement = (
            sa.select(made, sa.func.count())
            .select_from(chunks)
            .outerjoin(new_vectors, _of_chunk(model))
            .where(chunks.c.project_key == project_key)
        )
        with self._database.read() as connection:
            done, total = connection.execute(statement).one()
        return int(done), int(total)

    def missing(self, project_key: int, model: str, limit: int) -> list[tuple[int, str]]:
        """Return key and embedded text of passages without a new vector of that model."""
        statement = (
            sa.select(chunks)
            .outerjoin(new_vectors, _of_chunk(model))
            .where(chunks.c.project_key == project_key, new_vectors.c.chunk_key.is_(None))
            .order_by(chunks.c.key)
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = [intact("chunks", row) for row in connection.execute(statement)]
        return [(row.key, embedded_text(row.heading, row.text)) for row in rows]

    def add(self, made: Mapping[int, NDArray[np.float32]], model: str) -> None:
        """Keep new vectors by passage, without those of passages that were deleted meanwhile."""
        with self._database.write() as connection:
            alive = set(
                connection.scalars(sa.select(chunks.c.key).where(chunks.c.key.in_(list(made))))
            )
            rows = [vector_row(key, model, row) for key, row in made.items() if key in alive]
            if rows:
                connection.execute(insert_or_replace(connection, new_vectors), rows)

    def switch(self, project_key: int, embedder: str, model: str) -> bool:
        """Replace the project's vectors by the new ones in one transaction.

        Returns:
            False when a passage has no new vector yet; nothing has changed then.

        Raises:
            ProjectUnknown: The project was deleted meanwhile.
            DatabaseDamaged: A new vector is not as it was written.
        """
        mine = sa.select(chunks.c.key).where(chunks.c.project_key == project_key)
        with self._database.write() as connection:
            found = connection.execute(
                sa.select(new_vectors).where(
                    new_vectors.c.chunk_key.in_(mine), new_vectors.c.model == model
                )
            )
            rows = [intact("vectors", row)._asdict() for row in found]
            if len(rows) != connection.scalar(
                sa.select(sa.func.count()).select_from(mine.subquery())
            ):
                return False
            connection.execute(sa.delete(vectors).where(vectors.c.chunk_key.in_(mine)))
            if rows:
                connection.execute(sa.insert(vectors), rows)
            connection.execute(sa.delete(new_vectors).where(new_vectors.c.chunk_key.in_(mine)))
            set_project(connection, project_key, embedder=embedder)
            waiting = sa.select(documents.c.key).where(
                documents.c.project_key == project_key, documents.c.state != DocumentState.READY
            )
            for key in [*connection.scalars(waiting)]:
                set_state(connection, key, DocumentState.READY, attempts=0, error="")
            bump_index_version(connection, project_key)
        return True

    def discard(self, project_key: int) -> None:
        """Drop what an unfinished change has made."""
        mine = sa.select(chunks.c.key).where(chunks.c.project_key == project_key)
        with self._database.write() as connection:
            connection.execute(sa.delete(new_vectors).where(new_vectors.c.chunk_key.in_(mine)))


def _of_chunk(model: str) -> sa.ColumnElement[bool]:
    return sa.and_(new_vectors.c.chunk_key == chunks.c.key, new_vectors.c.model == model)
