"""What knowledge is made of, and how the parts are joined."""

from collections.abc import Callable
from pathlib import Path

from trimtab.infra.breaker import CircuitBreaker
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.knowledge.access import AccessLabels
from trimtab.knowledge.bulk import BulkIngestion
from trimtab.knowledge.caches import BoundedCache, CacheLimits
from trimtab.knowledge.context import KnowledgeContext
from trimtab.knowledge.encoder import Encoder
from trimtab.knowledge.engines.migration import ProjectMover
from trimtab.knowledge.engines.registry import Engines
from trimtab.knowledge.events import IngestionEvents
from trimtab.knowledge.indexes import Indexes
from trimtab.knowledge.ingestion import Ingestion
from trimtab.knowledge.maintenance import Maintenance
from trimtab.knowledge.model_store import MiniLmStore, ModelStore
from trimtab.knowledge.parsing import Parser
from trimtab.knowledge.search import Searcher
from trimtab.knowledge.snapshots import Snapshots
from trimtab.knowledge.store import (
    DocumentStore,
    OwnerStore,
    ProjectStore,
    SearchStore,
    UsageStore,
)
from trimtab.knowledge.store.engines import EngineStore
from trimtab.knowledge.store.labels import LabelStore
from trimtab.knowledge.store.reopenable import ReopenableDatabase
from trimtab.knowledge.usage import QueryUsage

DATABASE = "knowledge.db"


class Parts:
    """The parts, made in the order in which they need each other. `Knowledge` is the face over them."""

    def __init__(
        self,
        data: DataDirectory,
        settings: KnowledgeSettings,
        around: KnowledgeContext,
        home: ModelStore | None = None,
    ) -> None:
        self._clock = around.clock
        self.settings = settings
        self.database = ReopenableDatabase(data.file(DATABASE), ("knowledge",))
        self.projects = ProjectStore(self.database, settings.engine)
        self._documents = DocumentStore(self.database)
        self.owners = OwnerStore(self.database)
        labels = LabelStore(self.database)
        self.access = AccessLabels(self.projects, labels, self._documents)
        shipped = MiniLmStore(data.folder("models") / "minilm", settings.embedding_threads)
        self.encoder = Encoder(home or shipped, settings, around.clock)
        self.parser = Parser(settings, data.folder("parser"))
        search_store = SearchStore(self.database, labels)
        self._make_indexes(search_store, data.folder("index"))
        self.searcher = Searcher(
            self.projects, search_store, self.encoder, self.indexes, settings, around.clock
        )
        self.reports = IngestionEvents(self.searcher.figures, around)
        self._usage = QueryUsage(UsageStore(self.database), self.searcher, self.encoder, settings)
        self.searcher.on_query = self._usage.ask
        self.ingestion = Ingestion(
            self.projects, self._documents, self.encoder, self.parser, settings, around.clock
        )
        self.bulk = BulkIngestion(self.ingestion)
        self.texts = _text_cache(settings, around)
        worker = self.parser
        self.care = Maintenance(
            self.database, data, settings, around, self.forget_all, lambda: worker.worker_pid
        )
        self.care.on_purge.append(self.indexes.purge)
        around.health.register("disk", self.care.disk.health)
        folders = data.file("snapshots"), data.file("index")
        self.snapshots = Snapshots(
            self.indexes, search_store, folders, self.care.disk, around.clock
        )
        self.on_beat: list[Callable[[], object]] = []
        """Called at each heartbeat."""
        self.last_counts: dict[str, int] = {}
        self.database_ok = True

    def _make_indexes(self, search_store: SearchStore, folder: Path) -> None:
        settings, clock = self.settings, self._clock
        self.engine_store = EngineStore(self.database)
        self.engines = Engines(self.engine_store, search_store, self.encoder, settings, clock)
        breaker = CircuitBreaker(settings.breaker_failures, settings.probe_seconds, clock)
        self.indexes = Indexes(search_store, self.encoder, folder, breaker, clock, self.engines)
        self.mover = ProjectMover(
            self.engines, self.indexes, self.projects, self.engine_store, clock
        )

    def forget_queries(self) -> int:
        """Forget what was asked, which nobody's name stands beside; return how many queries that were."""
        return self._usage.forget()

    def forget_all(self) -> None:
        """Drop all that was read from the database: another file took its place."""
        self.searcher.forget_all()
        self.texts.discard(lambda _: True)


def _text_cache(
    settings: KnowledgeSettings, around: KnowledgeContext
) -> BoundedCache[tuple[str, int], str]:
    limits = CacheLimits(
        settings.document_cache_entries,
        settings.max_cache_memory_mb * 1024 * 1024 // 4,
        settings.cache_window_seconds,
        settings.cache_window_lookups,
    )
    return BoundedCache(limits, lambda text: 2 * len(text), around.clock)
