"""The knowledge service: projects of documents and search over them."""

import logging
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from trimtab.infra.gpu import GpuMonitor
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory, losses
from trimtab.kernel.erasable_cache import clear_all
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.health import ComponentHealth, Status
from trimtab.knowledge.background import BackgroundTasks
from trimtab.knowledge.bulk import ShippedFolder
from trimtab.knowledge.cache_manager import WarmupResult
from trimtab.knowledge.context import KnowledgeContext
from trimtab.knowledge.documents import Documents
from trimtab.knowledge.encoder import Encoder
from trimtab.knowledge.engines import health as engine_health
from trimtab.knowledge.engines.qdrant_usage import QdrantUsageMonitor
from trimtab.knowledge.errors import EmbedderUnavailable
from trimtab.knowledge.ingestion import HEARTBEAT, DocumentSource, Progress
from trimtab.knowledge.maintenance.deletion_proof import DeletionProof
from trimtab.knowledge.model_store import ModelStore
from trimtab.knowledge.neighbours import Neighbours
from trimtab.knowledge.parsing.content import Content
from trimtab.knowledge.projects import Projects
from trimtab.knowledge.records import (
    STANDARD,
    FailedDocument,
    FolderIngestResult,
    IngestResult,
    Labels,
    SearchResult,
)
from trimtab.knowledge.search import SearchRequest
from trimtab.knowledge.stats import KnowledgeStats, collect_stats
from trimtab.knowledge.store.reviews import RecentDocuments
from trimtab.knowledge.validation import validate_project_name
from trimtab.knowledge.wiring import build_components

RECENT_DAYS = 7
"""What came in within them is looked at when retrieval gets worse."""
_log = logging.getLogger(__name__)


class Knowledge:
    """Ingests documents and searches them. Safe to call from many threads.

    Its parts are public: ``documents``, ``projects``, ``caches``, ``maintenance``, ``snapshots``,
    ``indexes``, ``engines``, ``encoder``.

    Args:
        data: Holds the database, the indexes and the model.
        settings: Limits and paths.
        context: Clock, events and health, shared with the other domains.
        model: The embedding model's files; by default the shipped model in ``models/minilm``.
    """

    def __init__(
        self,
        data: DataDirectory,
        settings: KnowledgeSettings,
        context: KnowledgeContext,
        model: ModelStore | None = None,
    ) -> None:
        self.parts = parts = build_components(data, settings, context, model)
        self.settings = settings
        self.database = parts.stores.database
        self.documents = Documents(parts)
        self.projects = Projects(parts)
        self.owners = parts.stores.owners
        self.caches = parts.caches
        self.searcher = parts.searcher
        self.encoders = parts.encoders
        self.encoder = parts.encoders[STANDARD]
        self.indexes, self.engines = parts.indexes, parts.engines
        self.engine_store, self.mover = parts.stores.engines, parts.mover
        self.qdrant_usage = QdrantUsageMonitor(settings.qdrant_url, settings.qdrant_storage_gb)
        self.ingestion = parts.ingestion
        self.events = parts.events
        self.maintenance = parts.maintenance
        self.snapshots = parts.snapshots
        self.neighbours, self.gpus = Neighbours(parts), GpuMonitor()
        self.last_counts: dict[str, int] = {}
        """Documents by state at the last look at the database."""
        self.recent: list[RecentDocuments] = []
        """Of the last 7 days, at the last heartbeat."""
        self.database_ok = True
        self.percent_read: dict[str, int] = {}
        """Of projects whose pages are still being read, by name."""
        self.background = BackgroundTasks(
            context.clock, settings.heartbeat_seconds, self.beat, self.drain
        )
        context.health.register("disk", self.maintenance.disk.health)
        context.health.register("embedding_model", self._model_health)
        engine_health.register(context.health, self.indexes, self.engines)
        context.health.register("knowledge_database", self._check_database)

    def start(self) -> None:
        """Load the model and start heartbeats and the queue.

        Raises:
            EmbedderUnavailable: The model cannot be loaded and ``embedding_required`` is set.
        """
        self.load_models()
        self.maintenance.check_at_start()
        self.background.start()

    def load_models(self) -> None:
        """Load the embedding models in use; raises as `start` does."""
        for name in self._embedders_in_use():
            try:
                self.encoders[name].start()
            except EmbedderUnavailable:
                if self.settings.embedding_required:
                    raise
                _log.exception("embedding_model %s cannot be loaded: words alone search", name)

    def close(self) -> None:
        """Stop threads, parser and model, and close the database. May be called twice."""
        self.parts.reembedder.stopping.set()
        self.background.stop()
        self.maintenance.growth.close()
        self.maintenance.memory_report.close()
        self.indexes.close()
        self.engines.close()
        self.caches.flush()
        self.parts.parser.stop_worker()
        for encoder in self.encoders.values():
            encoder.close()
        self.database.close()

    def ingest(self, project: str, source: DocumentSource) -> IngestResult:
        """Ingest a document; see `ingest_bytes`."""
        try:
            result = self.ingestion.ingest(project, source)
        except TrimtabError as error:
            self.events.record_error(error)
            raise
        self.events.record(project, result)
        return result

    def ingest_bytes(
        self,
        project: str,
        name: str,
        data: bytes | Content,
        media_type: str | None = None,
        owner: str = "",
    ) -> IngestResult:
        """Ingest a document, replacing the one of that name if there is one.

        Everything of it is written at once or nothing; when this returns, it survives a power cut.
        An unchanged file costs nothing; of a changed one, only changed passages are embedded again.

        Args:
            project: 1 to 100 of ``a-z A-Z 0-9 _ -``; created when missing.
            name: 1 to 500 printable characters; its ending tells the format.
            data: The file; a large one as a stream.
            media_type: For names without a known ending.
            owner: The person whose document it is: erasing the person deletes it.

        Returns:
            Status ``ingested``, ``unchanged``, or ``queued`` with a reason: then keyword search
            finds it already, and vector search as soon as the model is back.

        Raises:
            ProjectNameInvalid, DocumentNameInvalid, DocumentTooLarge, DocumentTypeUnsupported,
            DocumentEncrypted, DocumentUnreadable, DocumentEmpty, ParserFailed, StorageFull:
                Nothing was written.
        """
        content = data if isinstance(data, Content) else Content(data)
        return self.ingest(project, DocumentSource(name, content, media_type, owner))

    def ingest_text(self, project: str, name: str, text: str, owner: str = "") -> IngestResult:
        """Ingest a text; a name without ending is read as plain text."""
        return self.ingest_bytes(project, name, text.encode(), "text/plain", owner)

    def ingest_many(
        self, project: str, sources: Sequence[DocumentSource]
    ) -> Iterator[IngestResult | FailedDocument]:
        """Ingest documents in groups; yield the outcome of each, in order.

        One that fails does not stop the others; for the errors see `ingest_bytes`.
        """
        for outcome in self.parts.bulk.ingest_many(validate_project_name(project), sources):
            self.events.record(project, outcome)
            yield outcome

    def ingest_folder(
        self,
        project: str,
        path: Path,
        progress: Progress | None = None,
        stop: threading.Event | None = None,
        shipped: ShippedFolder | None = None,
    ) -> FolderIngestResult:
        """Ingest every file of a known type below the folder, named by its path there.

        Hidden files are left out. A refused file is listed with its error and does not stop the
        others; ``stop`` does, within seconds. ``shipped`` is for the folders of a release.
        """
        name = validate_project_name(project)
        result = self.parts.bulk.ingest_folder(name, path, progress, stop, shipped)
        for document in result.documents:
            self.events.record(project, document, count=False)
        return result

    def search(
        self,
        project: str,
        query: str,
        top_k: int = 10,
        *,
        offset: int = 0,
        tags: Sequence[str] = (),
        labels: Labels = None,
    ) -> SearchResult:
        """Return the passages that answer the query, best first.

        Args:
            project: Where to search.
            query: 1 to 1,000 characters.
            top_k: Number of passages, 1 to 100.
            offset: Number of best passages to skip, 0 to 1,000: for further pages.
            tags: Only documents that have all of these tags.
            labels: The caller's access labels: labelled documents need a shared one.

        Raises:
            ProjectNameInvalid, ProjectUnknown, QueryInvalid: See there.
        """
        request = SearchRequest(top_k, offset, tuple(sorted(set(tags))), labels)
        return self.searcher.search(validate_project_name(project), query, request)

    def stats(self) -> KnowledgeStats:
        """Return the figures of the caches, and counts of stored items."""
        return collect_stats(self.parts)

    def components(self) -> dict[str, bool]:
        """Return whether each component was up when last checked. Cheap."""
        return {
            "embedding_model": all(encoder.up for encoder in self._encoders_in_use()),
            "vector_store": self.indexes.up and self.engines.up,
            "database": self.database_ok,
            **engine_health.components(self.engines),
        }

    def warm_cache(
        self, top: int = 1000, project: str = "", queries: Sequence[str] = (), top_k: int = 10
    ) -> WarmupResult:
        """Cache the results of the most frequent queries, or of the given ones.

        Args:
            top: Maximum number of queries.
            project: Only of this project; empty means all.
            queries: Use these instead of the frequent ones; see `parse_query_list`.
            top_k: Number of passages that will be requested.
        """
        selected = self.caches.select_queries(top, project, queries)
        return self.caches.warm(selected, top_k, self.background.stopping.is_set)

    def verify_deletions(self) -> DeletionProof:
        """Prove that deleted documents are in no table, index or cache, nor in newer backups."""
        stale = sum(self.indexes.dead_keys().values())
        return self.maintenance.verify(self.caches.held_documents(), stale)

    def drop_memory(self) -> None:
        """Drop what memory holds of documents that another process has deleted."""
        self.indexes.dead_keys()  # Brings every index up to date, which marks those to be dropped.
        self.indexes.purge()
        self.caches.empty()
        self.caches.forget_queries()
        clear_all()

    def retry_dead_letters(self) -> int:
        """Queue the dead letters again; return their number."""
        count = self.parts.stores.documents.requeue_dead()
        self.background.wake()
        return count

    def reload_model(self) -> None:
        """Load the model's present files, or raise `EmbedderUnavailable`; the queue resumes."""
        for encoder in self._encoders_in_use():
            encoder.reload()
        self.background.wake()

    def reinstall_model(self) -> bool:
        """Rebuild the model's files where needed and load them; return whether rebuilt."""
        rebuilt = [encoder.install_and_load() for encoder in self._encoders_in_use()]
        self.background.wake()
        return any(rebuilt)

    def follow_other_processes(self) -> None:
        """Drop from memory what other processes changed or deleted.

        No search and no text is ever answered from it: each first reads the version in the
        database. This frees the memory, and lets deleted content leave it.
        """
        if self.parts.stores.search.shared:
            self.searcher.follow()
            gone = self.maintenance.new_deletions()
            self.parts.texts.discard(lambda key: key[0] in gone)

    def beat(self) -> None:
        """Run one heartbeat: probe the model, and wake the queue when it is up.

        `start` does this every ``heartbeat_seconds``.
        """
        alive = [encoder.heartbeat() for encoder in self._encoders_in_use()]
        if any(alive):
            self.background.wake()
        self.database_ok = self._check_database().status is not Status.DOWN
        if self.database_ok:
            now = self.parts.context.clock.now()
            self.recent = self.parts.stores.reviews.recent(now - timedelta(days=RECENT_DAYS))
            self.follow_other_processes()
        self.indexes.beat()
        self.indexes.save()
        self.caches.flush()
        self.maintenance.beat()
        self.events.publish(HEARTBEAT, "knowledge", {})

    def drain(self) -> int:
        """Embed the queued documents now; return how many became ready."""
        ready = self.ingestion.drain(self.background.stopping)
        if ready:
            self.events.publish("knowledge.queue_drained", "queue", {"documents": ready})
        return ready

    def _embedders_in_use(self) -> set[str]:
        """Return the standard embedder and those that projects have."""
        try:
            return {STANDARD} | (self.parts.stores.projects.embedders() & self.encoders.keys())
        except TrimtabError:
            return {STANDARD}  # The database is checked, and repaired, after the model is loaded.

    def _encoders_in_use(self) -> list[Encoder]:
        return [self.encoders[name] for name in sorted(self._embedders_in_use(), reverse=True)]

    def _model_health(self) -> ComponentHealth:
        """Return the health of the first model in use that is not up, or of the standard one."""
        found = [encoder.health() for encoder in self._encoders_in_use()]
        return next((health for health in found if health.status is not Status.UP), found[0])

    def _check_database(self) -> ComponentHealth:
        try:
            self.last_counts = self.documents.counts()
        except TrimtabError as error:
            return ComponentHealth(Status.DOWN, error.message, facts={"error": error.message})
        return losses(self.database) or ComponentHealth(
            Status.UP, facts={"engine": self.database.engine.dialect.name}
        )
