"""Queries and records of documents that several statements share."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trimtab.knowledge.records import Document, DocumentState
from trimtab.knowledge.store.database import intact
from trimtab.knowledge.store.labels import visible
from trimtab.knowledge.store.reviews import REVIEWED
from trimtab.knowledge.store.tables import chunks, documents, projects


def selected() -> sa.Select[Any]:
    """Return the query for documents with their project, passages and review."""
    counted = (
        sa.select(sa.func.count())
        .where(chunks.c.document_key == documents.c.key)
        .scalar_subquery()
        .label("chunk_count")
    )
    return sa.select(documents, projects.c.name.label("project"), counted, REVIEWED).join_from(
        documents, projects, projects.c.key == documents.c.project_key
    )


def seen(labels: Sequence[str] | None) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the condition that these labels let see a document; none sees all."""
    return () if labels is None else (visible(labels),)


def named_rows(project_key: int, id_or_name: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions for the document of this id or name in a project."""
    either = (documents.c.id == id_or_name) | (documents.c.name == id_or_name)
    return documents.c.project_key == project_key, either


def document_of(row: sa.Row[Any]) -> Document:
    """Return the record of a row of `selected`; raises if its seal is broken."""
    intact("documents", row)
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
        reviewed=bool(row.reviewed),
    )
