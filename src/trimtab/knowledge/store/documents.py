"""Rows of documents, their passages and vectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from trimtab.infra.storage import Database
from trimtab.knowledge.errors import DocumentUnknown, ProjectUnknown
from trimtab.knowledge.records import Chunk, Document, DocumentState
from trimtab.knowledge.store.projects import ProjectRow, changed, found
from trimtab.knowledge.store.tables import chunks, deletions, documents, projects, vectors

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


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queued document and those of its passages that have no vector yet."""

    document_id: str
    project: str
    attempts: int
    chunks: tuple[tuple[int, str], ...]
    """Key and text to embed."""


class DocumentStore:
    """Writes documents whole, reads and deletes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def source_of(self, document_id: str) -> tuple[str, int] | None:
        """Return the hash of the file that the document came from and its version, if it exists."""
        with self._database.read() as connection:
            row = connection.execute(
                sa.select(documents.c.source_hash, documents.c.version).where(
                    documents.c.id == document_id
                )
            ).first()
        return None if row is None else (row.source_hash, row.version)

    def embedded_chunks(self, document_id: str, model: str) -> frozenset[str]:
        """Return the ids of the document's chunks that have a vector of that model."""
        statement = (
            sa.select(chunks.c.id)
            .join_from(chunks, documents, documents.c.key == chunks.c.document_key)
            .join(vectors, vectors.c.chunk_key == chunks.c.key)
            .where(documents.c.id == document_id, vectors.c.model == model)
        )
        with self._database.read() as connection:
            return frozenset(connection.scalars(statement))

    def write(self, project: ProjectRow, document: NewDocument, at: datetime) -> int:
        """Write the document in place of its former version, if any; return its version.

        Raises:
            ProjectUnknown: The project was deleted meanwhile; nothing is written.
        """
        with self._database.write() as connection:
            alive = sa.select(projects.c.key).where(projects.c.key == project.key)
            if connection.execute(alive).first() is None:
                raise ProjectUnknown(f"The project {project.name!r} was deleted meanwhile.")
            key, version = _put(connection, project, document, at)
            _put_chunks(connection, project.key, key, document)
            connection.execute(sa.delete(deletions).where(deletions.c.document_id == document.id))
            changed(connection, project.key)
            return version

    def list(self, project: str, limit: int, offset: int) -> tuple[Document, ...]:
        """Return the project's documents by name."""
        with self._database.read() as connection:
            key = found(connection, project).key
            statement = (
                _selected()
                .where(documents.c.project_key == key)
                .order_by(documents.c.name)
                .limit(limit)
                .offset(offset)
            )
            return tuple(_document(row) for row in connection.execute(statement))

    def get(self, project: str, id_or_name: str) -> Document:
        """Return one document, or raise `DocumentUnknown`."""
        with self._database.read() as connection:
            key = found(connection, project).key
            row = connection.execute(_selected().where(*_named(key, id_or_name))).first()
        if row is None:
            raise DocumentUnknown(f"Project {project!r} has no document {id_or_name!r}.")
        return _document(row)

    def text(self, document_id: str) -> str:
        """Return the document's text: its passages, joined; empty when it is gone."""
        statement = (
            sa.select(chunks.c.text)
            .join_from(chunks, documents, documents.c.key == chunks.c.document_key)
            .where(documents.c.id == document_id)
            .order_by(chunks.c.ordinal)
        )
        with self._database.read() as connection:
            return "".join(connection.scalars(statement))

    def delete(self, project: str, id_or_name: str, at: datetime) -> str:
        """Delete one document with all that came from it; return its id, or raise `DocumentUnknown`."""
        with self._database.write() as connection:
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
            owner = found(connection, project)
            row = connection.execute(
                sa.select(documents.c.key, documents.c.id).where(*_named(owner.key, id_or_name))
            ).first()
            if row is None:
                raise DocumentUnknown(f"Project {project!r} has no document {id_or_name!r}.")
            connection.execute(sa.delete(chunks).where(chunks.c.document_key == row.key))
            connection.execute(sa.delete(documents).where(documents.c.key == row.key))
            entry = {"document_id": row.id, "project_id": owner.id, "deleted_at": at.isoformat()}
            connection.execute(sa.insert(deletions).prefix_with("OR REPLACE"), entry)
            changed(connection, owner.key)
            return str(row.id)

    def counts(self) -> dict[str, int]:
        """Return how many documents stand in each state."""
        statement = sa.select(documents.c.state, sa.func.count()).group_by(documents.c.state)
        with self._database.read() as connection:
            counted = {str(state): int(count) for state, count in connection.execute(statement)}
        return {state.value: counted.get(state.value, 0) for state in DocumentState}

    def waiting(self, limit: int) -> tuple[Waiting, ...]:
        """Return queued documents, those that waited longest first."""
        statement = (
            sa.select(documents.c.key, documents.c.id, documents.c.attempts, projects.c.name)
            .join_from(documents, projects, projects.c.key == documents.c.project_key)
            .where(documents.c.state == DocumentState.QUEUED)
            .order_by(documents.c.attempts, documents.c.updated_at)
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple(
                Waiting(row.id, row.name, row.attempts, _without_vector(connection, row.key))
                for row in connection.execute(statement).all()
            )

    def listed(self, state: DocumentState, limit: int) -> tuple[Document, ...]:
        """Return documents of all projects that stand in that state, oldest first."""
        statement = (
            _selected()
            .where(documents.c.state == state)
            .order_by(documents.c.updated_at)
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple(_document(row) for row in connection.execute(statement))

    def complete(self, document_id: str, made: Mapping[int, Vector], model: str) -> bool:
        """Add the vectors that a queued document lacked; return whether it was still there.

        Passages that changed meanwhile are left out, and the document stays queued for those that came.
        """
        with self._database.write() as connection:
            row = connection.execute(
                sa.select(documents.c.key, documents.c.project_key).where(
                    documents.c.id == document_id
                )
            ).first()
            if row is None:
                return False
            missing = {key for key, _ in _without_vector(connection, row.key)}
            rows = [
                {"chunk_key": key, "model": model, "vector": packed(vector)}
                for key, vector in made.items()
                if key in missing
            ]
            if rows:
                connection.execute(sa.insert(vectors), rows)
            if missing <= set(made):
                _set_state(connection, row.key, DocumentState.READY, attempts=0, error="")
            changed(connection, row.project_key)
            return True

    def failed(self, document_id: str, error: str, most_attempts: int) -> DocumentState:
        """Count a failed attempt; return the state it leads to."""
        with self._database.write() as connection:
            row = connection.execute(
                sa.select(documents.c.key, documents.c.attempts).where(
                    documents.c.id == document_id
                )
            ).first()
            if row is None:
                return DocumentState.READY
            attempts = row.attempts + 1
            state = DocumentState.DEAD if attempts >= most_attempts else DocumentState.QUEUED
            _set_state(connection, row.key, state, attempts=attempts, error=error)
            return state

    def requeue_dead(self) -> int:
        """Put every document of the dead-letter list back into the queue; return how many."""
        with self._database.write() as connection:
            done = connection.execute(
                sa.update(documents)
                .where(documents.c.state == DocumentState.DEAD)
                .values(state=DocumentState.QUEUED, attempts=0, last_error="")
            )
            return int(done.rowcount)


def packed(vector: Vector) -> bytes:
    """Return the vector as stored: half precision, which moves a cosine by less than 0.001."""
    return vector.astype(np.float16).tobytes()


def _put(
    connection: sa.Connection, project: ProjectRow, document: NewDocument, at: datetime
) -> tuple[int, int]:
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
    row = connection.execute(
        sa.select(documents.c.key, documents.c.version).where(documents.c.id == document.id)
    ).first()
    if row is not None:
        changes = sa.update(documents).where(documents.c.key == row.key)
        connection.execute(changes.values(**values, version=row.version + 1))
        return row.key, row.version + 1
    connection.execute(
        sa.insert(documents).values(
            **values,
            id=document.id,
            project_key=project.key,
            name=document.name,
            version=1,
            created_at=at.isoformat(),
        )
    )
    key = connection.scalar(sa.select(documents.c.key).where(documents.c.id == document.id))
    return int(key or 0), 1


def _put_chunks(
    connection: sa.Connection, project_key: int, document_key: int, document: NewDocument
) -> None:
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
            connection.execute(
                sa.update(chunks)
                .where(chunks.c.key == was.key)
                .values(
                    ordinal=chunk.ordinal,
                    start_offset=chunk.start,
                    end_offset=chunk.end,
                    page=chunk.page,
                )
            )
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
        {"chunk_key": keys[chunk_id], "model": document.model, "vector": packed(vector)}
        for chunk_id, vector in document.vectors.items()
    ]
    connection.execute(sa.insert(vectors).prefix_with("OR REPLACE"), rows)


def _row(chunk: Chunk, project_key: int, document_key: int) -> dict[str, object]:
    return {
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


def _without_vector(connection: sa.Connection, document_key: int) -> tuple[tuple[int, str], ...]:
    statement = (
        sa.select(chunks.c.key, chunks.c.heading, chunks.c.text)
        .outerjoin_from(chunks, vectors, vectors.c.chunk_key == chunks.c.key)
        .where(chunks.c.document_key == document_key, vectors.c.chunk_key.is_(None))
        .order_by(chunks.c.ordinal)
    )
    return tuple(
        (row.key, Chunk("", 0, 0, 0, row.text, None, row.heading).embedded_text())
        for row in connection.execute(statement)
    )


def _set_state(
    connection: sa.Connection, key: int, state: DocumentState, *, attempts: int, error: str
) -> None:
    connection.execute(
        sa.update(documents)
        .where(documents.c.key == key)
        .values(state=state, attempts=attempts, last_error=error)
    )


def _selected() -> sa.Select[Any]:
    counted = (
        sa.select(sa.func.count())
        .where(chunks.c.document_key == documents.c.key)
        .scalar_subquery()
        .label("chunk_count")
    )
    return sa.select(documents, projects.c.name.label("project"), counted).join_from(
        documents, projects, projects.c.key == documents.c.project_key
    )


def _named(project_key: int, id_or_name: str) -> tuple[sa.ColumnElement[bool], ...]:
    either = (documents.c.id == id_or_name) | (documents.c.name == id_or_name)
    return documents.c.project_key == project_key, either


def _document(row: sa.Row[Any]) -> Document:
    return Document(
        id=row.id,
        project=row.project,
        name=row.name,
        title=row.title,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        characters=row.characters,
        chunks=row.chunk_count,
        state=DocumentState(row.state),
        version=row.version,
        created_at=datetime.fromisoformat(row.created_at),
        updated_at=datetime.fromisoformat(row.updated_at),
        attempts=row.attempts,
        last_error=row.last_error,
    )
