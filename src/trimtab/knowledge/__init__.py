"""Projects of documents and the search over them."""

from trimtab.knowledge.context import KnowledgeContext
from trimtab.knowledge.records import (
    Document,
    DocumentState,
    FailedDocument,
    FolderIngestResult,
    IngestResult,
    Passage,
    ProjectStats,
    RefusedFile,
    SearchResult,
)
from trimtab.knowledge.service import Knowledge

__all__ = [
    "Document",
    "DocumentState",
    "FailedDocument",
    "FolderIngestResult",
    "IngestResult",
    "Knowledge",
    "KnowledgeContext",
    "Passage",
    "ProjectStats",
    "RefusedFile",
    "SearchResult",
]
