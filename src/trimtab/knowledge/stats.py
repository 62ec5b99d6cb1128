"""Collects the body of ``/api/v1/stats``."""

from dataclasses import asdict
from pathlib import Path
from stat import S_IMODE

from trimtab.knowledge.wiring import Components


def collect_stats(parts: Components) -> dict[str, object]:
    """Return the figures of each cache, their total memory, and counts of stored items."""
    caches = {
        "query_cache": parts.searcher.cache.stats(),
        "embedding_cache": parts.encoder.cache.stats(),
        "document_cache": parts.texts.stats(),
    }
    states = parts.stores.documents.counts()
    return {
        "cache": {name: asdict(stats) for name, stats in caches.items()},
        "cache_memory_mb": round(
            sum(stats.memory_bytes for stats in caches.values()) / (1024 * 1024), 3
        ),
        "max_cache_memory_mb": parts.settings.max_cache_memory_mb,
        "projects": len(parts.stores.projects.names()),
        "documents": sum(states.values()),
        "metadata": parts.stores.projects.metadata_count(),
        "database": _describe_file(parts.stores.database.file),
        "queued": states["queued"],
        "dead_letters": states["dead"],
        "embedding_model": {
            "model": parts.encoder.model_id,
            "breaker": parts.encoder.breaker.state.value,
        },
    }


def _describe_file(file: Path) -> dict[str, object]:
    log = file.with_name(f"{file.name}-wal")
    status = file.stat()
    return {
        "bytes": status.st_size + (log.stat().st_size if log.exists() else 0),
        "mode": f"{S_IMODE(status.st_mode):o}",
    }
