"""Cache statistics and counts of stored items, as ``/api/v1/stats`` returns them."""

from dataclasses import dataclass
from stat import S_IMODE

from trimtab.knowledge.caches import CacheStats
from trimtab.knowledge.records import STANDARD
from trimtab.knowledge.store.database import ReopenableDatabase
from trimtab.knowledge.wiring import Components


@dataclass(frozen=True, slots=True)
class CacheFigures:
    """The caches of knowledge, by name."""

    query_cache: CacheStats
    embedding_cache: CacheStats
    document_cache: CacheStats


@dataclass(frozen=True, slots=True)
class DatabaseFigures:
    """The database that holds documents and passages."""

    bytes: int
    """With its write-ahead log; on PostgreSQL the tables with their indexes."""
    mode: str
    """The permissions of its file, octal, such as ``600``; empty on PostgreSQL."""


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """The embedding model."""

    model: str
    breaker: str
    """The state of its circuit breaker: ``closed``, ``open`` or ``half_open``."""


@dataclass(frozen=True, slots=True)
class KnowledgeStats:
    """Cache statistics and counts of stored items."""

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


def collect_stats(parts: Components) -> KnowledgeStats:
    """Return the figures of each cache, their total memory, and counts of stored items."""
    encoder = parts.encoders[STANDARD]
    caches = CacheFigures(parts.searcher.cache.stats(), encoder.cache.stats(), parts.texts.stats())
    figures = (caches.query_cache, caches.embedding_cache, caches.document_cache)
    states = parts.stores.documents.counts()
    return KnowledgeStats(
        cache=caches,
        cache_memory_mb=round(sum(each.memory_bytes for each in figures) / (1024 * 1024), 3),
        max_cache_memory_mb=parts.settings.max_cache_memory_mb,
        projects=len(parts.stores.projects.names()),
        documents=sum(states.values()),
        metadata=parts.stores.projects.metadata_count(),
        database=_describe(parts),
        queued=states["queued"],
        dead_letters=states["dead"],
        embedding_model=ModelFigures(encoder.model_id, encoder.breaker.state.value),
    )


def _describe(parts: Components) -> DatabaseFigures:
    if not isinstance(parts.stores.database, ReopenableDatabase):
        return DatabaseFigures(parts.maintenance.size_bytes(), "")
    file = parts.stores.database.file
    log = file.with_name(f"{file.name}-wal")
    status = file.stat()
    size = status.st_size + (log.stat().st_size if log.exists() else 0)
    return DatabaseFigures(size, f"{S_IMODE(status.st_mode):o}")
