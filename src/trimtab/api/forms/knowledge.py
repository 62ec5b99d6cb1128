"""What the routes of knowledge answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from trimtab.api.forms.shape import Shape
from trimtab.knowledge import IngestResult
from trimtab.knowledge.caches import CacheStats
from trimtab.knowledge.maintenance.deletion_proof import DeletionProof
from trimtab.knowledge.maintenance.restore import RestoreResult
from trimtab.knowledge.records import Document, ProjectStats, SearchResult


@dataclass(frozen=True, slots=True)
class CacheFigures:
    """The caches of knowledge, by name."""

    query_cache: CacheStats
    embedding_cache: CacheStats
    document_cache: CacheStats


@dataclass(frozen=True, slots=True)
class DatabaseFigures:
    """The file that holds documents and passages."""

    bytes: int
    """With its write-ahead log."""
    mode: str
    """Its permissions, octal, such as ``600``."""


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """The embedding model."""

    model: str
    breaker: str
    """The state of its circuit breaker: ``closed``, ``open`` or ``half_open``."""


@dataclass(frozen=True, slots=True)
class StatsBody:
    """Figures of the caches, and counts of what is stored."""

    cache: CacheFigures
    cache_memory_mb: float
    max_cache_memory_mb: int
    projects: int
    documents: int
    metadata: int
    database: DatabaseFigures
    queued: int
    dead_letters: int
    embedding_model: ModelFigures


@dataclass(frozen=True, slots=True)
class WarmedBody:
    """What a warming of the cache did."""

    asked: int
    skipped: int
    """Queries that could not be answered, because their project is gone or the model is down."""


@dataclass(frozen=True, slots=True)
class ProjectList:
    """The projects that are there for the caller."""

    projects: tuple[ProjectStats, ...]


@dataclass(frozen=True, slots=True)
class ProjectName:
    """A project that is there now."""

    name: str


@dataclass(frozen=True, slots=True)
class ProjectDeleted:
    """A project that is gone."""

    name: str
    documents: int
    """How many went with it."""


@dataclass(frozen=True, slots=True)
class DocumentList:
    """A project's documents, by name."""

    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentBody(Document):
    """A document with its text."""

    text: str
    """The text to which the offsets of citations refer."""


@dataclass(frozen=True, slots=True)
class DocumentDeleted:
    """A document that no search finds any more."""

    document_id: str


@dataclass(frozen=True, slots=True)
class RefusedDocument:
    """A document of several that was not taken in, and why."""

    name: str
    code: str
    message: str
    hint: str
    retryable: bool
    kind: str


@dataclass(frozen=True, slots=True)
class IngestedMany:
    """What became of several documents that came together."""

    documents: tuple[IngestResult, ...]
    refused: tuple[RefusedDocument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofBody(DeletionProof):
    """What a proof of deletion found."""

    holds: bool


@dataclass(frozen=True, slots=True)
class BackupBody:
    """A backup."""

    name: str
    at: str
    """ISO 8601, UTC."""
    size_bytes: int


@dataclass(frozen=True, slots=True)
class CheckedBackup(BackupBody):
    """A backup that was read and checked."""

    good: bool
    problem: str
    """Empty when it is good."""


@dataclass(frozen=True, slots=True)
class BackupList:
    """The backups, the newest first."""

    backups: tuple[CheckedBackup, ...] | tuple[BackupBody, ...]


@dataclass(frozen=True, slots=True)
class NotRestored:
    """Nothing was done, because nothing was wrong."""

    restored: Literal[False]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredBody(RestoreResult):
    """What a restore did, or would do."""

    restored: bool
    """False after a dry run."""
    report: str
    """The loss in one line: ``Documents lost: 3``."""


FORMS: Mapping[str, Shape] = {
    "GET /api/v1/stats": StatsBody,
    "POST /api/v1/cache/warm": WarmedBody,
    "GET /api/v1/projects": ProjectList,
    "POST /api/v1/projects": ProjectName,
    "DELETE /api/v1/projects/{project}": ProjectDeleted,
    "GET /api/v1/projects/{project}/documents": DocumentList,
    "GET /api/v1/projects/{project}/documents/{document_id}": DocumentBody,
    "DELETE /api/v1/projects/{project}/documents/{document_id}": DocumentDeleted,
    "GET /api/v1/search/{project}": SearchResult,
    "POST /api/v1/ingest": IngestResult | IngestedMany,
    "POST /api/v1/ingest 202": IngestResult,
    "POST /v1/knowledge/verify": ProofBody,
    "GET /v1/knowledge/backups": BackupList,
    "POST /v1/knowledge/backups": BackupBody,
    "POST /v1/knowledge/restore": RestoredBody | NotRestored,
    "POST /v1/knowledge/recover": RestoredBody | NotRestored,
}
