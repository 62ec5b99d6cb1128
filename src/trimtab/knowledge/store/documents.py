"""Rows of documents, their passages and vectors."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.knowledge.errors import DatabaseDamaged, DocumentUnknown, ProjectUnknown
from trimtab.knowledge.records import Document, DocumentState
from trimtab.knowledge.store.database import intact, seal
from trimtab.knowledge.store.dialect import insert_or_replace, overwrite_deleted
from trimtab.knowledge.store.document_rows import document_of, named_rows, seen, selected
from trimtab.knowledge.store.fingerprint import DocumentFingerprint, missing
from trimtab.knowledge.store.labels import LABELS, put_labels, replace_metadata
from trimtab.knowledge.store.owners import join_owner
from trimtab.knowledge.store.projects import ProjectRow, bump_index_version, deletion, find_project
from trimtab.knowledge.store.tables import chunks, deletions, documents, projects, vectors
from trimtab.knowledge.store.turns import try_turn
from trimtab.knowledge.store.writing import (
    NewDocument,
    Vector,
    put_documents,
    select_in,
    set_state,
    vector_row,
    without_vector,
)


@dataclass(frozen=True, slots=True)
class QueuedDocument:
    """A queued document and those of its passages that have no vector yet."""

    document_id: str
    embedder: str
    """Of its project."""
    chunks: tuple[tuple[int, str], ...]
    """Key and text to embed."""


class DocumentStore:
    """Writes documents whole, reads and deletes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def fingerprints(
        self, project: str, names: Sequence[str] | None = None
    ) -> tuple[ProjectRow, dict[str, DocumentFingerprint]]:
        """Return the project, and the fingerprints of its documents by name: all, or those named.

        Raises:
            ProjectUnknown: There is none of that name.
        """
        which = [] if names is None else [documents.c.name.in_(names)]
        counted = (
            sa.select(sa.func.count())
            .where(chunks.c.document_key == documents.c.key)
            .scalar_subquery()
        )
        columns = documents.c
        statement = sa.select(
            columns.name, columns.source_hash, columns.version, columns.state, counted, LABELS
        )
        with self._database.read() as connection:
            found = find_project(connection, project)
            mine = statement.where(documents.c.project_key == found.key, *which)
            return found, {
                row[0]: DocumentFingerprint(
                    row[1], row[2], DocumentState(row[3]), row[4], tuple(json.loads(row[5]))
                )
                for row in connection.execute(mine)
            }

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

    def write(
        self,
        project: ProjectRow,
        group: Sequence[NewDocument],
        replaces: Sequence[DocumentFingerprint | None],
        at: datetime,
    ) -> list[int | None]:
        """Write documents in one transaction, each in place of its former version.

        Args:
            project: Where they go.
            group: The documents.
            replaces: For each, the version that it was compared with; None for none. Where there is
                another one by now, or an earlier document of the group, it is left alone.
            at: The time of writing.

        Returns:
            The version of each; None for those left alone.

        Raises:
            ProjectUnknown: The project was deleted meanwhile; nothing is written.
        """
        with self._database.write() as connection:
            if not bump_index_version(connection, project.key):
                raise ProjectUnknown(f"The project {project.name!r} was deleted meanwhile.")
            ids = [document.id for document in group]
            found = select_in(connection, sa.select(documents), documents.c.id, ids)
            former = {row.id: row for row in found}
            chosen: dict[str, NewDocument] = {}
            for document, known in zip(group, replaces, strict=True):
                row = former.get(document.id)
                if row is None if known is None else known.matches(row):
                    chosen.setdefault(document.id, document)
            versions = put_documents(connection, project.key, [*chosen.values()], former, at)
        return [
            versions[document.id] if chosen.get(document.id) is document else None
            for document in group
        ]

    def page(
        self,
        project: str,
        limit: int,
        offset: int,
        labels: Sequence[str] | None = None,
        since: datetime | None = None,
    ) -> tuple[Document, ...]:
        """Return the project's documents by name, those that these labels let see or all.

        With ``since`` only those that came in or changed since then.
        """
        recent = () if since is None else (documents.c.updated_at >= since.isoformat(),)
        with self._database.read() as connection:
            key = find_project(connection, project).key
            statement = (
                selected()
                .where(documents.c.project_key == key, *seen(labels), *recent)
                .order_by(documents.c.name)
                .limit(limit)
                .offset(offset)
            )
            return tuple(document_of(row) for row in connection.execute(statement))

    def get(self, project: str, id_or_name: str, labels: Sequence[str] | None = None) -> Document:
        """Return one document; `DocumentUnknown` if missing or hidden from these labels."""
        with self._database.read() as connection:
            key = find_project(connection, project).key
            named = selected().where(*named_rows(key, id_or_name), *seen(labels))
            row = connection.execute(named).first()
        if row is None:
            raise DocumentUnknown(f"Project {project!r} has no document {id_or_name!r}.")
        return document_of(row)

    def text(self, document_id: str) -> str:
        """Return the document's text: its passages, joined.

        Raises:
            DocumentUnknown: It is gone.
        """
        with self._database.read() as connection:
            named = sa.select(documents).where(documents.c.id == document_id)
            document = connection.execute(named).first()
            if document is None:
                raise missing(connection, document_id)
            intact("documents", document)  # A damaged index leads to another document's row.
            mine = sa.select(chunks).where(chunks.c.document_key == document.key)
            found = connection.execute(mine.order_by(chunks.c.ordinal))
            rows = [intact("chunks", row) for row in found]
        text = "".join(row.text for row in rows)
        if len(text) != document.characters:
            raise DatabaseDamaged("Passages of a document are missing in the knowledge database.")
        return text

    def witnesses(self, project: str, id_or_name: str = "") -> list[tuple[str, str]]:
        """Return ids of one document, or all of the project, each with its first passage's id."""
        with self._database.read() as connection:
            key = find_project(connection, project).key
            which = named_rows(key, id_or_name) if id_or_name else (documents.c.project_key == key,)
            first = (chunks.c.document_key == documents.c.key) & (chunks.c.ordinal == 0)
            statement = (
                sa.select(documents.c.id, sa.func.coalesce(chunks.c.id, ""))
                .outerjoin_from(documents, chunks, first)
                .where(*which)
            )
            return [(str(row[0]), str(row[1])) for row in connection.execute(statement)]

    def delete(self, project: str, id_or_name: str, at: datetime) -> str:
        """Delete one document and all its rows; return its id, or raise `DocumentUnknown`."""
        with self._database.write() as connection:
            overwrite_deleted(connection)
            owner = find_project(connection, project)
            row = connection.execute(
                sa.select(documents.c.key, documents.c.id).where(*named_rows(owner.key, id_or_name))
            ).first()
            if row is None:
                raise DocumentUnknown(f"Project {project!r} has no document {id_or_name!r}.")
            connection.execute(sa.delete(chunks).where(chunks.c.document_key == row.key))
            connection.execute(sa.delete(documents).where(documents.c.key == row.key))
            gone = deletion(row.id, owner.id, at)
            connection.execute(insert_or_replace(connection, deletions), gone)
            bump_index_version(connection, owner.key)
            return str(row.id)

    def touch(self, document_id: str, owner: str, labels: Sequence[str]) -> None:
        """Add an owner and access labels to a document whose content did not change.

        A document without owner stays without one.
        """
        if not owner and not labels:
            return
        with self._database.write() as connection:
            if owner:
                join_owner(connection, document_id, owner)
            row = connection.execute(
                sa.select(documents.c.key, documents.c.project_key).where(
                    documents.c.id == document_id
                )
            ).first()
            if labels and row is not None:
                put_labels(connection, row.key, labels)
                bump_index_version(connection, row.project_key)

    def set_metadata(
        self, project: str, id_or_name: str, changes: Mapping[str, Sequence[str]]
    ) -> None:
        """Replace the document's values of each named metadata."""
        with self._database.write() as connection:
            owner = find_project(connection, project)
            row = connection.execute(
                sa.select(documents.c.key).where(*named_rows(owner.key, id_or_name))
            ).first()
            if row is None:
                raise DocumentUnknown(f"Project {project!r} has no document {id_or_name!r}.")
            replace_metadata(connection, row.key, changes)
            bump_index_version(connection, owner.key)

    def counts(self) -> dict[str, int]:
        """Return how many documents stand in each state."""
        statement = sa.select(documents.c.state, sa.func.count()).group_by(documents.c.state)
        with self._database.read() as connection:
            counted = {str(state): int(count) for state, count in connection.execute(statement)}
        return {state.value: counted.get(state.value, 0) for state in DocumentState}

    def try_draining(self) -> AbstractContextManager[bool]:
        """Provide whether this process may drain the queue now; see `try_turn`."""
        return try_turn(self._database, "knowledge.drain")

    def waiting(self, limit: int, embedders: Sequence[str]) -> tuple[QueuedDocument, ...]:
        """Return queued documents of projects with these embedders, the oldest first."""
        statement = (
            sa.select(documents.c.key, documents.c.id, projects.c.embedder)
            .join(projects, projects.c.key == documents.c.project_key)
            .where(documents.c.state == DocumentState.QUEUED, projects.c.embedder.in_(embedders))
            .order_by(documents.c.attempts, documents.c.updated_at)
        )
        with self._database.read() as connection:
            return tuple(
                QueuedDocument(row.id, row.embedder, without_vector(connection, row.key))
                for row in connection.execute(statement.limit(limit)).all()
            )

    def listed(self, state: DocumentState, limit: int) -> tuple[Document, ...]:
        """Return documents of all projects that stand in that state, oldest first."""
        statement = (
            selected()
            .where(documents.c.state == state)
            .order_by(documents.c.updated_at)
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple(document_of(row) for row in connection.execute(statement))

    def complete(self, document_id: str, made: Mapping[int, Vector], model: str) -> bool:
        """Add the vectors that a queued document lacked; return whether it was still there.

        Passages that changed meanwhile are skipped; the document stays queued for new ones.
        """
        with self._database.write() as connection:
            row = connection.execute(
                sa.select(documents.c.key, documents.c.project_key).where(
                    documents.c.id == document_id
                )
            ).first()
            if row is None:
                return False
            missing = {key for key, _ in without_vector(connection, row.key)}
            rows = [
                vector_row(key, model, vector) for key, vector in made.items() if key in missing
            ]
            if rows:
                connection.execute(sa.insert(vectors), rows)
            if missing <= set(made):
                set_state(connection, row.key, DocumentState.READY, attempts=0, error="")
            bump_index_version(connection, row.project_key)
            return True

    def record_failure(self, document_id: str, error: str, max_attempts: int) -> DocumentState:
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
            state = DocumentState.DEAD if attempts >= max_attempts else DocumentState.QUEUED
            set_state(connection, row.key, state, attempts=attempts, error=error)
            return state

    def deletions(self) -> list[tuple[str, datetime]]:
        """Return ids of deleted documents and the time of each deletion, as far as recorded."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(deletions)).all()
        return [
            (row.document_id, datetime.fromisoformat(row.deleted_at))
            for row in rows
            if row.seal == seal(row.document_id, row.project_id, row.deleted_at)
        ]

    def apply_deletions(self, deleted: Sequence[tuple[str, datetime]]) -> int:
        """Delete documents last written before their recorded deletion; return their number."""
        with self._database.write() as connection:
            overwrite_deleted(connection)
            count = 0
            for document_id, at in deleted:
                row = connection.execute(
                    sa.select(documents.c.key, documents.c.project_key).where(
                        documents.c.id == document_id, documents.c.updated_at <= at.isoformat()
                    )
                ).first()
                if row is not None:
                    connection.execute(sa.delete(chunks).where(chunks.c.document_key == row.key))
                    connection.execute(sa.delete(documents).where(documents.c.key == row.key))
                    bump_index_version(connection, row.project_key)
                    count += 1
            return count

    def drop(self, document_ids: Sequence[str]) -> None:
        """Delete these documents in a copy of the database, without a note of their deletion."""
        with self._database.write() as connection:
            overwrite_deleted(connection)
            for document_id in document_ids:
                key = connection.scalar(
                    sa.select(documents.c.key).where(documents.c.id == document_id)
                )
                connection.execute(sa.delete(chunks).where(chunks.c.document_key == key))
                connection.execute(sa.delete(documents).where(documents.c.key == key))

    def requeue_dead(self) -> int:
        """Put every document of the dead-letter list back into the queue; return how many."""
        with self._database.write() as connection:
            dead = sa.select(documents.c.key).where(documents.c.state == DocumentState.DEAD)
            keys = list(connection.scalars(dead))
            for key in keys:
                set_state(connection, key, DocumentState.QUEUED, attempts=0, error="")
            return len(keys)
