"""Projects of documents and the search over them."""

from trimtab.knowledge.context import KnowledgeContext
from trimtab.knowledge.records import (
    Document,
    DocumentState,
    FailedDocument,
    FolderIngestResult,
    FoundPassage,
    IngestResult,
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
    "FoundPassage",
    "IngestResult",
    "Knowledge",
    "KnowledgeContext",
    "ProjectStats",
    "RefusedFile",
    "SearchResult",
]
