"""What is known of a document: what an ingestion compares it with, and why it is not found."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from trimtab.kernel.errors import TrimtabError
from trimtab.knowledge.errors import DatabaseDamaged, DocumentUnknown
from trimtab.knowledge.records import DocumentState
from trimtab.knowledge.store.tables import documents


@dataclass(frozen=True, slots=True)
class DocumentFingerprint:
    """A document as the next ingestion of the same name sees it."""

    source_hash: str
    version: int
    state: DocumentState
    chunks: int


def is_still(row: sa.Row[Any] | None, known: DocumentFingerprint | None) -> bool:
    """Return whether the document's row is what it was when it was compared with; None means there was or is none."""
    if row is None or known is None:
        return row is None and known is None
    return (row.source_hash, row.version) == (known.source_hash, known.version)


def missing(connection: sa.Connection, document_id: str) -> TrimtabError:
    """Return why the index does not know a document: it is gone, or the index is damaged. Reads all documents."""
    past_the_index = documents.c.id.concat("") == document_id
    if connection.scalar(sa.select(documents.c.key).where(past_the_index)) is None:
        return DocumentUnknown(f"There is no document {document_id!r}.")
    return DatabaseDamaged("An index of the knowledge database lacks a document.")
