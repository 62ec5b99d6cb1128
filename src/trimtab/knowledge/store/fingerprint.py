"""Fingerprints of stored documents, which an ingestion compares with."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from trimtab.kernel.errors import TrimtabError
from trimtab.knowledge.errors import DatabaseDamaged, DocumentUnknown
from trimtab.knowledge.records import DocumentState, Labels
from trimtab.knowledge.store.tables import documents


@dataclass(frozen=True, slots=True)
class DocumentFingerprint:
    """A stored document, as an ingestion of the same name compares with it."""

    source_hash: str
    version: int
    state: DocumentState
    chunks: int
    labels: tuple[str, ...] = ()
    """Its access labels."""

    def is_visible_to(self, labels: Labels) -> bool:
        """Return whether a caller with these labels may see it: it has none, or shares one."""
        return not self.labels or labels is None or not set(labels).isdisjoint(self.labels)

    def matches(self, row: sa.Row[Any] | None) -> bool:
        """Return whether the document's row is still the same version."""
        return row is not None and (row.source_hash, row.version) == (
            self.source_hash,
            self.version,
        )


def missing(connection: sa.Connection, document_id: str) -> TrimtabError:
    """Return the error for a document that the index lacks: deleted, or a damaged index.

    Reads all documents.
    """
    past_the_index = documents.c.id.concat("") == document_id
    if connection.scalar(sa.select(documents.c.key).where(past_the_index)) is None:
        return DocumentUnknown(f"There is no document {document_id!r}.")
    return DatabaseDamaged("An index of the knowledge database lacks a document.")
