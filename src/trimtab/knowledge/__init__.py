"""Projects of documents and the search over them."""

from trimtab.knowledge.context import Surroundings
from trimtab.knowledge.records import (
    Document,
    DocumentState,
    Failed,
    FolderIngested,
    Ingested,
    Passage,
    ProjectStats,
    Refused,
    SearchResult,
)
from trimtab.knowledge.service import Knowledge

__all__ = [
    "Document",
    "DocumentState",
    "Failed",
    "FolderIngested",
    "Ingested",
    "Knowledge",
    "Passage",
    "ProjectStats",
    "Refused",
    "SearchResult",
    "Surroundings",
]
