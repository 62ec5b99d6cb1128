"""Projects of documents and the search over them."""

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
from trimtab.knowledge.surroundings import Surroundings

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
