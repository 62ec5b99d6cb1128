"""Stores projects, documents, passages and vectors in SQLite: all SQL of this domain."""

from trimtab.knowledge.store.documents import DocumentStore, QueuedDocument
from trimtab.knowledge.store.fingerprint import DocumentFingerprint
from trimtab.knowledge.store.owners import OwnedDocument, OwnerStore
from trimtab.knowledge.store.projects import ProjectRow, ProjectStore
from trimtab.knowledge.store.search import SearchStore, VectorRows
from trimtab.knowledge.store.usage import UsageStore
from trimtab.knowledge.store.writing import NewDocument

__all__ = [
    "DocumentFingerprint",
    "DocumentStore",
    "NewDocument",
    "OwnedDocument",
    "OwnerStore",
    "ProjectRow",
    "ProjectStore",
    "QueuedDocument",
    "SearchStore",
    "UsageStore",
    "VectorRows",
]
