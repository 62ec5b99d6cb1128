"""Builds the components of knowledge in the order of their dependencies."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from trimtab.infra.breaker import CircuitBreaker
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import Database, DataDirectory
from trimtab.kernel.clock import Clock
from trimtab.knowledge.bulk import BulkIngestion
from trimtab.knowledge.cache_manager import CacheManager
from trimtab.knowledge.caches import BoundedCache, CacheLimits
from trimtab.knowledge.context import KnowledgeContext
from trimtab.knowledge.embedders import EMBEDDERS
from trimtab.knowledge.embedding import Device
from trimtab.knowledge.encoder import Encoder
from trimtab.knowledge.engine_migration import ProjectMover
from trimtab.knowledge.engines.registry import Engines
from trimtab.knowledge.index_files import IndexFiles
from trimtab.knowledge.indexes import Indexes
from trimtab.knowledge.ingestion import Ingestion, IngestionEvents
from trimtab.knowledge.maintenance import DerivedData, Maintenance
from trimtab.knowledge.maintenance.port import DatabaseMaintenance
from trimtab.knowledge.maintenance.sqlite import SqliteMaintenance
from trimtab.knowledge.metrics import FREQUENT, QueryCounter
from trimtab.knowledge.model_store import ModelStore, PackagedModelStore
from trimtab.knowledge.parsing import Parser
from trimtab.knowledge.records import STANDARD
from trimtab.knowledge.reembedding import Reembedder
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
from trimtab.knowledge.store.new_vectors import NewVectorStore
from trimtab.knowledge.store.reading import DocumentReader
from trimtab.knowledge.store.reviews import DocumentReviewStore

_CHAINS = ("knowledge",)


@dataclass(frozen=True, slots=True)
class Stores:
    """The tables of knowledge."""

    database: Database
    projects: ProjectStore
    documents: DocumentStore
    reader: DocumentReader
    owners: OwnerStore
    labels: LabelStore
    reviews: DocumentReviewStore
    search: SearchStore
    engines: EngineStore
    new_vectors: NewVectorStore
    usage: UsageStore


@dataclass(frozen=True, slots=True)
class Components:
    """The components of knowledge, as its services share them."""

    context: KnowledgeContext
    settings: KnowledgeSettings
    stores: Stores
    encoders: Mapping[str, Encoder]
    """By the name of the embedder; each one is loaded when a project has it."""
    parser: Parser
    engines: Engines
    indexes: Indexes
    mover: ProjectMover
    reembedder: Reembedder
    searcher: Searcher
    texts: BoundedCache[tuple[str, str], str]
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
    settings = _with_url(settings, context)
    database, engine = _open_database(data, settings, context)
    stores = _stores_of(database, settings)
    encoders = encoders_of(data, settings, clock, model)
    parser = Parser(settings, data.folder("parser"))
    engines = Engines(stores.engines, stores.search, encoders, settings, clock)
    breaker = CircuitBreaker(settings.breaker_failures, settings.probe_seconds, clock)
    files = IndexFiles(data.folder("index"), engine.installation())
    indexes = Indexes(stores.search, encoders, files, breaker, clock, engines)
    searcher = _searcher(stores, encoders, indexes, settings, clock)
    texts = _text_cache(settings, context)
    standard = encoders[STANDARD]
    caches = CacheManager(stores.usage, stores.projects, searcher, standard, texts, settings)
    ingestion = Ingestion(stores.projects, stores.documents, encoders, parser, settings, clock)
    derived = DerivedData(caches.forget_all, indexes.purge)
    maintenance = Maintenance(engine, data, settings, context, derived, parser)
    return Components(
        context,
        settings,
        stores,
        encoders,
        parser,
        engines,
        indexes,
        ProjectMover(engines, indexes, stores.projects, stores.engines, clock),
        Reembedder(encoders, stores.projects, stores.new_vectors, indexes, clock),
        searcher,
        texts,
        caches,
        ingestion,
        BulkIngestion(ingestion),
        IngestionEvents(searcher.metrics, context),
        maintenance,
        _snapshots(data, stores.search, indexes, maintenance, clock),
    )


def _with_url(settings: KnowledgeSettings, context: KnowledgeContext) -> KnowledgeSettings:
    """Return the settings with the database of the service as the server of vectors."""
    if context.postgres is None or settings.postgres_url:
        return settings
    return replace(settings, postgres_url=context.postgres.url)


def _searcher(
    stores: Stores,
    encoders: dict[str, Encoder],
    indexes: Indexes,
    settings: KnowledgeSettings,
    clock: Clock,
) -> Searcher:
    queries = QueryCounter(settings.frequent_queries, stores.usage.asked_often(FREQUENT))
    return Searcher(stores.search, encoders, indexes, queries, settings, clock)


def encoders_of(
    data: DataDirectory, settings: KnowledgeSettings, clock: Clock, model: ModelStore | None = None
) -> dict[str, Encoder]:
    """Return an encoder for each embedder, none of them loaded; ``model`` is the standard one."""
    folder, threads = data.folder("models"), settings.embedding_threads
    device: Device = "cuda" if settings.embedding_device == "cuda" else "cpu"
    stores: dict[str, ModelStore] = {
        name: PackagedModelStore(folder / kind.folder, threads, kind, device)
        for name, kind in EMBEDDERS.items()
    }
    stores[STANDARD] = model or stores[STANDARD]
    encoders = {STANDARD: Encoder(stores.pop(STANDARD), settings, clock)}
    cache = encoders[STANDARD].cache
    for name, store in stores.items():
        encoders[name] = Encoder(store, settings, clock, EMBEDDERS[name].prefixes, cache)
    return encoders


def _open_database(
    data: DataDirectory, settings: KnowledgeSettings, context: KnowledgeContext
) -> tuple[Database, DatabaseMaintenance]:
    keep = timedelta(days=settings.backup_keep_days)
    if context.postgres is None:
        file = ReopenableDatabase(data.file(DATABASE), _CHAINS)
        return file, SqliteMaintenance(file, data, keep, context.clock)
    # Imported late: the driver is slow to import, and most installations have no server.
    from trimtab.infra.storage.postgresql import PostgresDatabase
    from trimtab.knowledge.maintenance.postgres import PostgresMaintenance

    database = PostgresDatabase(context.postgres, "knowledge", _CHAINS)
    return database, PostgresMaintenance(database, data, keep, context.clock)


def _stores_of(database: Database, settings: KnowledgeSettings) -> Stores:
    return Stores(
        database,
        ProjectStore(database, settings.engine),
        DocumentStore(database),
        DocumentReader(database),
        OwnerStore(database),
        LabelStore(database),
        DocumentReviewStore(database),
        SearchStore(database),
        EngineStore(database),
        NewVectorStore(database),
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
) -> BoundedCache[tuple[str, str], str]:
    limits = CacheLimits(
        settings.document_cache_entries,
        settings.max_cache_memory_mb * 1024 * 1024 // 4,
        settings.cache_window_seconds,
        settings.cache_window_lookups,
    )
    return BoundedCache(limits, context.clock)
