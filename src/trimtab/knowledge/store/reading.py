"""Reads for people who look through documents: pages of names, passages, labels."""

import json
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.knowledge.records import Chunk, Document, DocumentPassage
from trimtab.knowledge.store.database import intact
from trimtab.knowledge.store.document_rows import document_of, seen, selected
from trimtab.knowledge.store.labels import LABELS
from trimtab.knowledge.store.projects import find_project
from trimtab.knowledge.store.tables import chunks, documents


class DocumentReader:
    """Reads pages of documents and passages; writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def named_like(
        self, project: str, text: str, limit: int, offset: int, labels: Sequence[str] | None
    ) -> tuple[tuple[Document, ...], int]:
        """Return a page of the documents with the text in name or title, and their number.

        Letters of the Latin alphabet match in upper and lower case.
        """
        with self._database.read() as connection:
            mine = [
                documents.c.project_key == find_project(connection, project).key,
                *seen(labels),
            ]
            if text:
                columns = (documents.c.name, documents.c.title)
                mine.append(sa.or_(*(each.icontains(text, autoescape=True) for each in columns)))
            number = sa.select(sa.func.count()).select_from(documents).where(*mine)
            total = int(connection.scalar(number) or 0)
            page = selected().where(*mine).order_by(documents.c.name)
            rows = connection.execute(page.limit(limit).offset(offset))
            return tuple(document_of(row) for row in rows), total

    def passages(self, document_id: str, limit: int, offset: int) -> tuple[Chunk, ...]:
        """Return a page of the document's passages, in their order."""
        statement = (
            sa.select(chunks)
            .join_from(chunks, documents, documents.c.key == chunks.c.document_key)
            .where(documents.c.id == document_id)
            .order_by(chunks.c.ordinal)
            .limit(limit)
            .offset(offset)
        )
        with self._database.read() as connection:
            return tuple(_chunk(row) for row in connection.execute(statement))

    def labels(self, document_id: str) -> tuple[str, ...]:
        """Return the document's access labels, sorted."""
        statement = sa.select(LABELS).select_from(documents).where(documents.c.id == document_id)
        with self._database.read() as connection:
            return tuple(sorted(json.loads(connection.scalar(statement) or "[]")))

    def passages_by_id(
        self, chunk_ids: Collection[str], labels: Sequence[str] | None
    ) -> dict[str, DocumentPassage]:
        """Return the passages that exist and that these labels let see, by id."""
        statement = (
            sa.select(
                chunks,
                documents.c.id.label("document_id"),
                documents.c.name.label("document_name"),
                documents.c.title.label("document_title"),
            )
            .join_from(chunks, documents, documents.c.key == chunks.c.document_key)
            .where(chunks.c.id.in_(list(chunk_ids)), *seen(labels))
        )
        with self._database.read() as connection:
            found = [
                DocumentPassage(row.document_id, row.document_name, row.document_title, _chunk(row))
                for row in connection.execute(statement)
            ]
        return {passage.chunk.id: passage for passage in found}


def _chunk(row: sa.Row[Any]) -> Chunk:
    intact("chunks", row)
    return Chunk(
        row.id, row.ordinal, row.start_offset, row.end_offset, row.text, row.page, row.heading
    )
