"""What an ingestion compares a document with."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from trimtab.knowledge.records import DocumentState


@dataclass(frozen=True, slots=True)
class Known:
    """A document as the next ingestion of the same name sees it."""

    source_hash: str
    version: int
    state: DocumentState
    chunks: int


def is_still(row: sa.Row[Any] | None, known: Known | None) -> bool:
    """Return whether the document's row is what it was when it was compared with; None means there was or is none."""
    if row is None or known is None:
        return row is None and known is None
    return (row.source_hash, row.version) == (known.source_hash, known.version)
