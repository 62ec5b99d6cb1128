"""The body of ``/api/v1/stats``."""

from pathlib import Path
from stat import S_IMODE
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trimtab.knowledge.service import Knowledge


def stats_of(knowledge: "Knowledge") -> dict[str, object]:
    """Return each cache's figures, what they hold together, and the counts of what is stored."""
    caches = {
        "query_cache": knowledge.searcher.cache.stats(),
        "embedding_cache": knowledge.encoder.cache.stats(),
        "document_cache": knowledge.texts.stats(),
    }
    states = knowledge.counts()
    file = knowledge.database.file
    return {
        "cache": {
            name: {field: getattr(found, field) for field in found.__slots__}
            for name, found in caches.items()
        },
        "cache_memory_mb": round(
            sum(found.memory_bytes for found in caches.values()) / (1024 * 1024), 3
        ),
        "max_cache_memory_mb": knowledge.settings.max_cache_memory_mb,
        "projects": len(knowledge.projects.names()),
        "documents": sum(states.values()),
        "metadata": knowledge.projects.metadata_count(),
        "database": _file(file),
        "queued": states["queued"],
        "dead_letters": states["dead"],
        "embedding_model": {
            "model": knowledge.encoder.model_id,
            "breaker": knowledge.encoder.breaker.state.value,
        },
    }


def _file(file: Path) -> dict[str, object]:
    log = file.with_name(f"{file.name}-wal")
    found = file.stat()
    return {
        "bytes": found.st_size + (log.stat().st_size if log.exists() else 0),
        "mode": f"{S_IMODE(found.st_mode):o}",
    }
