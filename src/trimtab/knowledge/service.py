"""The face of knowledge: projects of documents, and the search over them."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory, losses
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.health import ComponentHealth, Status
from trimtab.knowledge.access import Labels
from trimtab.knowledge.background import BackgroundTasks
from trimtab.knowledge.context import KnowledgeContext
from trimtab.knowledge.engines import health as engine_health
from trimtab.knowledge.errors import EmbedderUnavailable
from trimtab.knowledge.ingestion import DocumentSource, Progress
from trimtab.knowledge.maintenance.deletion_proof import DeletionProof
from trimtab.knowledge.model_store import ModelStore
from trimtab.knowledge.parsing.content import Content
from trimtab.knowledge.records import (
    Document,
    DocumentState,
    FailedDocument,
    FolderIngestResult,
    IngestResult,
    ProjectStats,
    SearchResult,
)
from trimtab.knowledge.search import SearchRequest
from trimtab.knowledge.stats import stats_of
from trimtab.knowledge.usage import CacheSizes, WarmupResult
from trimtab.knowledge.validation import checked_project
from trimtab.knowledge.wiring import Parts

_log = logging.getLogger(__name__)


class Knowledge(Parts):
    """Projects of documents. Safe to call from many threads.

    Args:
        data: Where its database and model are kept.
        settings: Its limits.
        around: Clock, events and health, shared with the other domains.
        home: The embedding model's files; by default the shipped model in ``data/models``.
    """

    def __init__(
        self,
        data: DataDirectory,
        settings: KnowledgeSettings,
        around: KnowledgeContext,
        home: ModelStore | None = None,
    ) -> None:
        super().__init__(data, settings, around, home)
        self.background = BackgroundTasks(
            around.clock, settings.heartbeat_seconds, self.beat, self.drain
        )
        around.health.register("embedding_model", self.encoder.health)
        engine_health.register(around.health, self.indexes, self.engines)
        around.health.register("knowledge_database", self._database_health)

    def start(self) -> None:
        """Load the model and begin heartbeats and the queue.

        Raises:
            EmbedderUnavailable: The model cannot be loaded and ``embedding_required`` is set.
        """
        try:
            self.encoder.start()
        except EmbedderUnavailable:
            if self.settings.embedding_required:
                raise
            _log.exception("embedding_model cannot be loaded: searching by words only")
        self.care.check_at_start()
        self.background.start()

    def close(self) -> None:
        """Stop the threads, the parser and the model, and close the database. May be called twice."""
        self.background.stop()
        self.care.growth.close()
        self.indexes.close()
        self.engines.close()
        self._usage.flush()
        self.parser.rest()
        self.encoder.close()
        self.database.close()

    # --- Documents ---

    def ingest_file(self, project: str, path: Path, name: str | None = None) -> IngestResult:
        """Take a file in under its own name or the given one; see `ingest_bytes`."""
        with self.ingestion.source(path, name or path.name) as source:
            return self.ingest(project, source)

    def ingest_bytes(
        self,
        project: str,
        name: str,
        data: bytes | Content,
        media_type: str | None = None,
        owner: str = "",
    ) -> IngestResult:
        """Take a document in, in place of the one of that name if there is one.

        Everything of it is written at once or nothing; when this returns, it survives a power cut. A file that did
        not change costs nothing; of one that did, only the changed passages are embedded again.

        Args:
            project: 1 to 100 of ``a-z A-Z 0-9 _ -``; made when missing.
            name: 1 to 500 printable characters; its ending tells the format.
            data: The file; a large one as a stream.
            media_type: For names without a telling ending.
            owner: The person whose document it is: erasing the person deletes it.

        Returns:
            Status ``ingested``, ``unchanged``, or ``queued`` with a reason: then it is found by words already, and
            by meaning as soon as the model is back.

        Raises:
            ProjectNameInvalid, DocumentNameInvalid, DocumentTooLarge, DocumentTypeUnsupported, DocumentEncrypted,
            DocumentUnreadable, DocumentEmpty, ParserFailed, StorageFull: Nothing was written.
        """
        return self.ingest(project, DocumentSource(name, Content.of(data), media_type, owner))

    def ingest_text(self, project: str, name: str, text: str, owner: str = "") -> IngestResult:
        """Take a text in; a name without ending is read as plain text."""
        return self.ingest_bytes(project, name, text.encode(), "text/plain", owner)

    def ingest_many(
        self, project: str, sources: Sequence[DocumentSource]
    ) -> Iterator[IngestResult | FailedDocument]:
        """Take documents in, embedded and written in groups; yield what became of each, in order.

        One that fails does not stop the others; for the errors see `ingest_bytes`.
        """
        for outcome in self.bulk.ingest_many(checked_project(project), sources):
            self.reports.of(project, outcome)
            yield outcome

    def ingest_folder(
        self, project: str, path: Path, progress: Progress | None = None
    ) -> FolderIngestResult:
        """Take in every file of a known type below the folder, named by its path there.

        Hidden files are left out. A file that is refused is listed with its error and does not stop the others.
        """
        done = self.bulk.ingest_folder(checked_project(project), path, progress)
        for document in done.documents:
            self.reports.tell(project, document)
        return done

    def documents(
        self, project: str, limit: int = 1000, offset: int = 0, labels: Labels = None
    ) -> tuple[Document, ...]:
        """Return the project's documents by name."""
        return self._documents.page(checked_project(project), limit, offset, labels)

    def document(self, project: str, id_or_name: str, labels: Labels = None) -> Document:
        """Return one document, or raise `DocumentUnknown`."""
        return self._documents.get(checked_project(project), id_or_name, labels)

    def document_text(self, project: str, id_or_name: str) -> str:
        """Return the extracted text, to which the offsets of passages refer."""
        document = self.document(project, id_or_name)
        key = (document.id, document.version)
        text = self.texts.get(key)
        if text is None:
            text = self._documents.text(document.id)
            self.texts.put(key, text)
        return text

    def delete_document(self, project: str, id_or_name: str) -> str:
        """Delete a document; return its id. From now on no search finds it."""
        row = self.projects.find(checked_project(project))
        with self.care.deleting(self._documents.witnesses(project, id_or_name)):
            document_id = self._documents.delete(project, id_or_name, self._clock.now())
        self.searcher.forget(row.key)
        self.indexes.deleted_from(row)
        self.texts.discard(lambda key: key[0] == document_id)
        self.reports.publish("knowledge.document_deleted", document_id, {"project": project})
        return document_id

    def queued(self, limit: int = 1000) -> tuple[Document, ...]:
        """Return the documents that wait for the model, the oldest first."""
        return self._documents.listed(DocumentState.QUEUED, limit)

    def dead_letters(self, limit: int = 1000) -> tuple[Document, ...]:
        """Return the documents whose vectors could not be made after several attempts."""
        return self._documents.listed(DocumentState.DEAD, limit)

    def retry_dead_letters(self) -> int:
        """Queue them again; return how many."""
        count = self._documents.requeue_dead()
        self.background.wake()
        return count

    def create_project(self, project: str) -> None:
        """Make an empty project; nothing happens when it is there."""
        self.projects.ensure(checked_project(project), self._clock.now())

    def rename_project(self, project: str, new_name: str) -> None:
        """Give a project another name; its documents keep their ids."""
        self.projects.rename(checked_project(project), checked_project(new_name))

    def delete_project(self, project: str) -> int:
        """Delete a project with all its documents; return how many it had."""
        row = self.projects.find(checked_project(project))
        with self.care.deleting(self._documents.witnesses(project)):
            count = self.projects.delete(project, self._clock.now())
        self.searcher.forget(row.key)
        self.indexes.forget(row.key)
        self.texts.discard(lambda _: True)
        self.reports.publish("knowledge.project_deleted", row.id, {"documents": count})
        return count

    def list_projects(self) -> tuple[ProjectStats, ...]:
        """Return all projects with their counts, by name."""
        held = self.indexes.overview()
        return tuple(
            replace(found, engine=index.index.vectors.engine, meaning=index.asked_for)
            if (index := held.get(key)) is not None
            else found
            for key, found in self.projects.overview()
        )

    def get_collection_size(self, project: str) -> int:
        """Return how many vectors the project has."""
        name = self.projects.find(checked_project(project)).name
        return next((found.vectors for found in self.list_projects() if found.name == name), 0)

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

        When the model or the index is down the words alone decide and ``degraded_mode`` is true; cached results are
        served whole.

        Args:
            project: Where to search.
            query: 1 to 1,000 characters.
            top_k: How many passages, 1 to 100.
            offset: How many of the best to leave out, 0 to 1,000: for further pages.
            tags: Only documents that have all of these tags.
            labels: The caller's access labels: labelled documents are found only by callers who share one.

        Raises:
            ProjectNameInvalid, ProjectUnknown, QueryInvalid: See there.
        """
        wanted = SearchRequest(top_k, offset, tuple(sorted(set(tags))), labels)
        return self.searcher.search(checked_project(project), query, wanted)

    def holds(
        self, project: str, query: str, top_k: int = 10, *, offset: int = 0, labels: Labels = None
    ) -> bool:
        """Return whether `search` will find the answer in memory: then it takes less time than a change of threads."""
        return self.searcher.holds(project, query, SearchRequest(top_k, offset, labels=labels))

    def search_words(
        self, project: str, query: str, top_k: int = 10, *, labels: Labels = None
    ) -> SearchResult:
        """Return what `search` does by words alone, in degraded mode: for whoever cannot wait for the model."""
        wanted = SearchRequest(top_k, labels=labels, meaning=False)
        return self.searcher.search(checked_project(project), query, wanted)

    def set_metadata(
        self,
        project: str,
        id_or_name: str,
        tags: Sequence[str] | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        """Replace a document's tags or access labels; None leaves them. Ingesting again keeps both."""
        given = {"tag": tags, "label": labels}
        changes = {name: values for name, values in given.items() if values is not None}
        row = self.projects.find(checked_project(project))
        self._documents.set_metadata(project, id_or_name, changes)
        self.searcher.forget(row.key)

    def stats(self) -> dict[str, object]:
        """Return the body of ``/api/v1/stats``: ``cache`` with each cache's figures, ``cache_memory_mb``, counts."""
        return stats_of(self)

    def components(self) -> dict[str, bool]:
        """Return whether each component was up when it was last looked at. Cheap."""
        return {
            "embedding_model": self.encoder.up,
            "vector_store": self.indexes.up and self.engines.up,
            "database": self.database_ok,
            **engine_health.components(self.engines),
        }

    def error_rate(self) -> float:
        """Return the share of recent searches and ingestions that failed; 0 when there were none."""
        return self.searcher.figures.users.share("failed")

    def refused_rate(self) -> float:
        """Return the share of recent searches and ingestions that were refused; 0 when there were none."""
        return self.searcher.figures.users.share("refused")

    def counts(self) -> dict[str, int]:
        """Return how many documents are ready, queued and dead."""
        return self._documents.counts()

    def cache_sizes(self) -> CacheSizes:
        """Return how many entries the query and the embedding cache may hold."""
        return self._usage.sizes()

    def resize_caches(self, sizes: CacheSizes) -> CacheSizes:
        """Use these sizes from now on, over restarts too; 0 returns to the setting. Returns the former ones."""
        return self._usage.resize(sizes)

    def warm_cache(
        self, top: int = 1000, project: str = "", queries: Sequence[str] = (), top_k: int = 10
    ) -> WarmupResult:
        """Fill the caches with the answers to the most frequent queries, or to the given ones.

        Args:
            top: How many queries at most.
            project: Only of this project; empty means all.
            queries: Instead of the frequent ones; `words.counted_lines` reads a file of them.
            top_k: The number of passages that will be asked for.
        """
        names = (checked_project(project),) if project else self.projects.names()
        given = [(name, query) for name in names for query in queries[:top]]
        wanted = given if queries else self.frequent_queries(top, project)
        return self._usage.warm(wanted, top_k, self.background.stopping.is_set)

    def frequent_queries(self, top: int, project: str = "") -> list[tuple[str, str]]:
        """Return the most frequent queries with their projects, of one project or, when it is empty, of all."""
        names = (checked_project(project),) if project else self.projects.names()
        return [pair for pair in self._usage.frequent(top) if pair[0] in names]

    def empty_caches(self) -> int:
        """Drop every cached answer, vector and text; return how many."""
        return sum(
            cache.discard(lambda _: True)
            for cache in (self.searcher.cache, self.encoder.cache, self.texts)
        )

    def verify_deletions(self) -> DeletionProof:
        """Prove that every deleted document is in no table, index or cache, and in no backup made since."""
        held = self.searcher.held_documents() | {key[0] for key in self.texts.held_keys()}
        return self.care.verify(held, sum(self.indexes.dead_keys().values()))

    def reload_model(self) -> None:
        """Load the model from the files that are there, or raise `EmbedderUnavailable`; the queue goes on."""
        self.encoder.reload()
        self.background.wake()

    def reinstall_model(self) -> bool:
        """Make the model's files anew where needed and load them; return whether they were made."""
        made = self.encoder.install_and_load()
        self.background.wake()
        return made

    def beat(self) -> None:
        """Do one heartbeat: ask the model, and wake the queue when it is up. `start` does this every 10 s."""
        if self.encoder.heartbeat():
            self.background.wake()
        self.database_ok = self._database_health().status is not Status.DOWN
        self.indexes.beat()
        self.indexes.save()
        self._usage.flush()
        self.care.look()
        for called in list(self.on_beat):
            called()

    def drain(self) -> int:
        """Complete the queued documents now; return how many became ready."""
        ready = self.ingestion.drain(self.background.stopping)
        if ready:
            self.reports.publish("knowledge.queue_drained", "queue", {"documents": ready})
        return ready

    def ingest(self, project: str, source: DocumentSource) -> IngestResult:
        """Take a document in; see `ingest_bytes`."""
        try:
            done = self.ingestion.ingest(checked_project(project), source)
        except TrimtabError as error:
            self.reports.failed(error)
            raise
        self.reports.of(project, done)
        return done

    def _database_health(self) -> ComponentHealth:
        try:
            self.last_counts = self._documents.counts()
        except TrimtabError as error:
            return ComponentHealth(Status.DOWN, error.message, facts={"error": error.message})
        return losses(self.database) or ComponentHealth(Status.UP, facts={"engine": "sqlite"})
