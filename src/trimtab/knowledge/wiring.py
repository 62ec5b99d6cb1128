"""Builds the components of knowledge in the order of their dependencies."""

from dataclasses import dataclass

from trimtab.infra.breaker import CircuitBreaker
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.clock import Clock
from trimtab.knowledge.bulk import BulkIngestion
from trimtab.knowledge.cache_manager import CacheManager
from trimtab.knowledge.caches import BoundedCache, CacheLimits
from trimtab.knowledge.context import KnowledgeContext
from trimtab.knowledge.encoder import Encoder
from trimtab.knowledge.engine_migration import ProjectMover
from trimtab.knowledge.engines.registry import Engines
from trimtab.knowledge.indexes import Indexes
from trimtab.knowledge.ingestion import Ingestion, IngestionEvents
from trimtab.knowledge.maintenance import DerivedData, Maintenance
from trimtab.knowledge.metrics import FREQUENT, QueryCounter
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
from trimtab.knowledge.store.database import DATABASE, ReopenableDatabase
from trimtab.knowledge.store.engines import EngineStore
from trimtab.knowledge.store.labels import LabelStore
from trimtab.knowledge.store.reading import DocumentReader


@dataclass(frozen=True, slots=True)
class Stores:
    """The tables of knowledge."""

    database: ReopenableDatabase
    projects: ProjectStore
    documents: DocumentStore
    reader: DocumentReader
    owners: OwnerStore
    labels: LabelStore
    search: SearchStore
    engines: EngineStore
    usage: UsageStore


@dataclass(frozen=True, slots=True)
class Components:
    """The components of knowledge, as its services share them."""

    context: KnowledgeContext
    settings: KnowledgeSettings
    stores: Stores
    encoder: Encoder
    parser: Parser
    engines: Engines
    indexes: Indexes
    mover: ProjectMover
    searcher: Searcher
    texts: BoundedCache[tuple[str, int], str]
    """Texts of documents by id and version."""
    caches: CacheManager
    ingestion: Ingestion
    bulk: BulkIngestion
    events: IngestionEvents
    maintenance: Maintenance
    snapshots: Snapshots


def build_components(
    data: DataDirectory,
    settings: KnowledgeSettings,
    context: KnowledgeContext,
    model: ModelStore | None = None,
) -> Components:
    """Return the components, on the database of the data directory.

    Args:
        data: Holds the database, the indexes and the model.
        settings: Limits and paths.
        context: Clock, events and health.
        model: The embedding model's files; None means the shipped ones.
    """
    clock = context.clock
    stores = _open_stores(data, settings)
    model = model or MiniLmStore(data.folder("models") / "minilm", settings.embedding_threads)
    encoder = Encoder(model, settings, clock)
    parser = Parser(settings, data.folder("parser"))
    engines = Engines(stores.engines, stores.search, encoder, settings, clock)
    breaker = CircuitBreaker(settings.breaker_failures, settings.probe_seconds, clock)
    indexes = Indexes(stores.search, encoder, data.folder("index"), breaker, clock, engines)
    queries = QueryCounter(settings.frequent_queries, stores.usage.asked_often(FREQUENT))
    searcher = Searcher(stores.search, encoder, indexes, queries, settings, clock)
    texts = _text_cache(settings, context)
    caches = CacheManager(stores.usage, stores.projects, searcher, encoder, texts, settings)
    ingestion = Ingestion(stores.projects, stores.documents, encoder, parser, settings, clock)
    derived = DerivedData(caches.forget_all, indexes.purge)
    maintenance = Maintenance(stores.database, data, settings, context, derived, parser)
    return Components(
        context,
        settings,
        stores,
        encoder,
        parser,
        engines,
        indexes,
        ProjectMover(engines, indexes, stores.projects, stores.engines, clock),
        searcher,
        texts,
        caches,
        ingestion,
        BulkIngestion(ingestion),
        IngestionEvents(searcher.metrics, context),
        maintenance,
        _snapshots(data, stores.search, indexes, maintenance, clock),
    )


def _open_stores(data: DataDirectory, settings: KnowledgeSettings) -> Stores:
    database = ReopenableDatabase(data.file(DATABASE), ("knowledge",))
    return Stores(
        database,
        ProjectStore(database, settings.engine),
        DocumentStore(database),
        DocumentReader(database),
        OwnerStore(database),
        LabelStore(database),
        SearchStore(database),
        EngineStore(database),
        UsageStore(database),
    )


def _snapshots(
    data: DataDirectory,
    store: SearchStore,
    indexes: Indexes,
    maintenance: Maintenance,
    clock: Clock,
) -> Snapshots:
    folders = data.file("snapshots"), data.file("index")
    return Snapshots(indexes, store, folders, maintenance.disk, clock)


def _text_cache(
    settings: KnowledgeSettings, context: KnowledgeContext
) -> BoundedCache[tuple[str, int], str]:
    limits = CacheLimits(
        settings.document_cache_entries,
        settings.max_cache_memory_mb * 1024 * 1024 // 4,
        settings.cache_window_seconds,
        settings.cache_window_lookups,
    )
    return BoundedCache(limits, context.clock)
