"""Ingests documents: compare, parse, chunk, embed and write; queue them while the model is down."""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.kernel.clock import Clock
from trimtab.kernel.drilling import Apart
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.events import Event
from trimtab.kernel.ids import content_id
from trimtab.knowledge.chunking import chunk_document, embedded_text
from trimtab.knowledge.context import KnowledgeContext
from trimtab.knowledge.embedding.precomputed import PrecomputedVectors
from trimtab.knowledge.encoder import Encoder
from trimtab.knowledge.errors import (
    DocumentHidden,
    DocumentNameInvalid,
    DocumentUnreadable,
    EmbedderUnavailable,
    ProjectUnknown,
    is_failure,
)
from trimtab.knowledge.metrics import SearchMetrics
from trimtab.knowledge.parsing.content import Content
from trimtab.knowledge.parsing.parser import Parser, too_large
from trimtab.knowledge.records import (
    Chunk,
    DocumentState,
    FailedDocument,
    IngestResult,
    Labels,
    ParsedDocument,
)
from trimtab.knowledge.search import MODEL_DOWN
from trimtab.knowledge.store import DocumentFingerprint, DocumentStore, ProjectRow, ProjectStore
from trimtab.knowledge.store.documents import QueuedDocument
from trimtab.knowledge.store.writing import NewDocument, Vector
from trimtab.knowledge.validation import validate_project_name

_log = logging.getLogger(__name__)
# Part of the source hash: raise it when chunking changes, so that documents are chunked again.
_CHUNKING = "2"
MAX_DOCUMENT_NAME = 500
HEARTBEAT = "knowledge.heartbeat_completed"
"""The name of the event after each heartbeat."""

Progress = Callable[[int, int, str], None]
"""Called with files done, files in all, and the name of the last one."""


@dataclass(frozen=True, slots=True)
class DocumentSource:
    """A file to ingest."""

    name: str
    data: Content
    media_type: str | None = None
    owner: str = ""
    """The person whose document it is, for erasure on request; empty for no person's."""
    labels: tuple[str, ...] = ()
    """Access labels to add to those of the document."""
    visible_to: Labels = None
    """The uploader's access labels: a hidden document is not replaced; None replaces any."""


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A new or changed document, chunked but not embedded."""

    document: NewDocument
    """Without new vectors."""
    needed: tuple[Chunk, ...]
    """Its chunks without a vector."""
    replaces: DocumentFingerprint | None
    """The stored document that it was compared with; None for a new one."""
    warnings: tuple[str, ...] = ()
    """Of the parser."""


class IngestionEvents:
    """Counts outcomes of ingestions for the signals, and publishes the domain's events."""

    def __init__(self, metrics: Apart[SearchMetrics], context: KnowledgeContext) -> None:
        self._metrics = metrics
        self._clock = context.clock
        self.events = context.events

    def record(
        self, project: str, outcome: IngestResult | FailedDocument, *, count: bool = True
    ) -> None:
        """Count the outcome of an upload if ``count``, and publish that a document changed."""
        if isinstance(outcome, FailedDocument):
            self.record_error(outcome.error)
            return
        if count:
            self._metrics.now.outcomes.add("full")
        if outcome.status != "unchanged":
            facts: dict[str, object] = {"project": project, "status": outcome.status}
            now = self._clock.now()
            self.events.publish(
                Event("knowledge.document_ingested", now, outcome.document_id, facts)
            )

    def record_error(self, error: TrimtabError) -> None:
        """Count a failure of the service; a refused file is not counted."""
        if is_failure(error):
            self._metrics.now.outcomes.add("failed")

    def publish(self, name: str, subject: str, facts: dict[str, object]) -> None:
        """Publish an event with the time of now."""
        self.events.publish(Event(name, self._clock.now(), subject, facts))


class Ingestion:
    """Ingests documents, and embeds those queued while the model was down.

    Each document goes through `prepare`, `embed` and `write`; bulk ingestion embeds and writes
    groups, and a single document is a group of one.
    """

    def __init__(
        self,
        projects: ProjectStore,
        documents: DocumentStore,
        encoders: Mapping[str, Encoder],
        parser: Parser,
        settings: KnowledgeSettings,
        clock: Clock,
    ) -> None:
        self._projects = projects
        self._documents = documents
        self._encoders = encoders
        self._parser = parser
        self._settings = settings
        self._clock = clock
        self._draining = threading.Lock()

    def ingest(self, project: str, source: DocumentSource) -> IngestResult:
        """Ingest one document; see `Knowledge.ingest_bytes`."""
        parsed = None
        while True:
            try:
                row, known = self._find_replaced(project, [source])
            except ProjectUnknown:
                validate_project_name(project)
                # First: a refused file must not create a project.
                name = validate_document_name(source.name)
                parsed = self._parser.parse(name, source.data, source.media_type)
                self._projects.ensure(project, self._clock.now())
                continue
            prepared = self.prepare(row, source, known, parsed)
            if isinstance(prepared, IngestResult):
                return prepared
            [result] = self.write(row, [prepared], self.embed(row, [prepared]))
            if result is not None:
                return result
            # Another writer was faster: compare with what it wrote.

    def open_project(
        self, name: str, sources: Sequence[DocumentSource] | None = None
    ) -> tuple[ProjectRow, dict[str, DocumentFingerprint]]:
        """Return the project, created if missing, and the fingerprints of its documents by name.

        Args:
            name: The project.
            sources: Only documents that these would replace; None means all.

        Raises:
            DocumentHidden: A source would replace a document that its uploader may not see.
        """
        self._projects.ensure(name, self._clock.now())
        if sources is None:
            return self._documents.fingerprints(name)
        return self._find_replaced(name, sources)

    def _find_replaced(
        self, project: str, sources: Sequence[DocumentSource]
    ) -> tuple[ProjectRow, dict[str, DocumentFingerprint]]:
        """Return the project, and the fingerprints of the documents that these would replace."""
        names = [source.name.strip() for source in sources]
        row, known = self._documents.fingerprints(project, names)
        for name, source in zip(names, sources, strict=True):
            found = known.get(name)
            if found is not None and not found.is_visible_to(source.visible_to):
                raise DocumentHidden(f"The name {source.name!r} is taken in project {project!r}.")
        return row, known

    def prepare(
        self,
        project: ProjectRow,
        source: DocumentSource,
        fingerprints: Mapping[str, DocumentFingerprint],
        parsed: ParsedDocument | None = None,
    ) -> PreparedDocument | IngestResult:
        """Return the document ready to be embedded, or its result if it is unchanged.

        Args:
            project: Where it goes.
            source: The file.
            fingerprints: Of the project's documents, by name.
            parsed: Its text where it was parsed already.

        Raises:
            TrimtabError: The file is refused; see `Knowledge.ingest_bytes`.
        """
        name = validate_document_name(source.name)
        known = fingerprints.get(name)
        document_id = content_id("doc", project.id, name)
        settings = self._settings
        digest = f"{_CHUNKING}:{settings.chunk_characters}:{source.data.sha256()}"
        if known is not None and known.source_hash == digest:
            self._documents.touch(document_id, source.owner, source.labels)
            return _unchanged(document_id, name, known)
        parsed = parsed or self._parser.parse(name, source.data, source.media_type)
        chunks = chunk_document(document_id, parsed, settings.chunk_characters)
        model = self._encoders[project.embedder].model_id
        stored = self._documents.embedded_chunks(document_id, model) if known else frozenset()
        document = NewDocument(
            id=document_id,
            name=name,
            title=parsed.title[:MAX_DOCUMENT_NAME],
            media_type=parsed.media_type,
            source_hash=digest,
            size_bytes=source.data.size,
            characters=len(parsed.text),
            chunks=chunks,
            vectors={},
            model=model,
            state=DocumentState.READY,
            owner=source.owner,
            labels=source.labels,
        )
        needed = tuple(chunk for chunk in chunks if chunk.id not in stored)
        return PreparedDocument(document, needed, known, parsed.warnings)

    def embed(
        self,
        project: ProjectRow,
        group: Sequence[PreparedDocument],
        is_stopped: Callable[[], bool] | None = None,
        known: PrecomputedVectors | None = None,
    ) -> dict[str, Vector] | None:
        """Return the vectors that the group needs, by chunk id; None when the model fails.

        Args:
            project: Whose model embeds them.
            group: The documents.
            is_stopped: Whether the caller does not want them any more.
            known: Vectors that need not be computed.

        Raises:
            EmbeddingStopped: ``is_stopped`` said so meanwhile.
        """
        needed = [chunk for prepared in group for chunk in prepared.needed]
        texts = [embedded_text(chunk.heading, chunk.text) for chunk in needed]
        encoder = self._encoders[project.embedder]
        found = known.find(encoder.model_id, texts) if known is not None else {}
        missing = [text for text in texts if text not in found] if found else texts
        try:
            computed = iter(encoder.vectors(missing, is_stopped))
        except EmbedderUnavailable:
            return None
        return {
            chunk.id: found[text] if text in found else next(computed)
            for chunk, text in zip(needed, texts, strict=True)
        }

    def is_model_up(self, project: ProjectRow) -> bool:
        """Return whether the last call of the project's model succeeded."""
        return self._encoders[project.embedder].up

    def write(
        self,
        project: ProjectRow,
        group: Sequence[PreparedDocument],
        vectors: Mapping[str, Vector] | None,
    ) -> list[IngestResult | None]:
        """Write the group in one transaction; return each result, None for those changed meanwhile.

        Args:
            project: Where the documents go.
            group: The documents.
            vectors: By chunk id; None queues the documents that need some.
        """
        documents: list[NewDocument] = []
        for prepared in group:
            document, needed = prepared.document, prepared.needed
            if vectors is not None:
                document = replace(
                    document, vectors={chunk.id: vectors[chunk.id] for chunk in needed}
                )
            elif needed:
                _log.info("document queued", extra={"document_id": document.id})
                document = replace(document, state=DocumentState.QUEUED)
            documents.append(document)
        replaces = [prepared.replaces for prepared in group]
        versions = self._documents.write(project, documents, replaces, self._clock.now())
        return [
            None
            if version is None
            else IngestResult(
                document.id,
                document.name,
                status="queued" if document.state is DocumentState.QUEUED else "ingested",
                reason=MODEL_DOWN if document.state is DocumentState.QUEUED else "",
                chunks=len(document.chunks),
                embedded_chunks=len(document.vectors),
                version=version,
                warnings=prepared.warnings,
            )
            for document, version, prepared in zip(documents, versions, group, strict=True)
        ]

    @contextmanager
    def open_source(
        self, name: str, open_file: Callable[[], IO[bytes]]
    ) -> Iterator[DocumentSource]:
        """Open a file with the given function; one over the size limit is refused unread."""
        try:
            with open_file() as stream:
                status = os.fstat(stream.fileno())
                if status.st_size > self._settings.max_document_mb * 1024 * 1024:
                    raise too_large(name, status.st_size, self._settings)
                yield DocumentSource(name, Content(stream))
        except OSError as error:
            raise DocumentUnreadable(
                f"{name} cannot be read: {error.strerror}.", hint="Check the path and permissions."
            ) from error

    def drain(self, stop: threading.Event) -> int:
        """Embed queued documents; return how many became ready.

        Ends early when the model is down again or ``stop`` is set. A document whose own text makes
        the model fail is retried after the others, and goes to the dead-letter list after
        `dead_letter_attempts`. Of several processes one drains; when it dies, another takes over at
        its next heartbeat.
        """
        ready = 0
        with self._draining:
            if not self._next_queued():
                return 0
            with self._documents.try_draining() as mine:
                while mine and not stop.is_set():
                    document = self._next_queued()
                    if document is None or (completed := self._complete(document)) is None:
                        break
                    ready += completed
        return ready

    def _next_queued(self) -> QueuedDocument | None:
        up = [name for name, encoder in self._encoders.items() if encoder.up]
        return next(iter(self._documents.waiting(limit=1, embedders=up)), None)

    def _complete(self, document: QueuedDocument) -> bool | None:
        """Embed a queued document; return whether it is ready, None when the model is down."""
        encoder = self._encoders[document.embedder]
        try:
            vectors = encoder.vectors([text for _, text in document.chunks])
        except EmbedderUnavailable as error:
            if not encoder.heartbeat():
                return None
            state = self._documents.record_failure(
                document.document_id, error.message, self._settings.dead_letter_attempts
            )
            _log.warning(
                "queued document failed",
                extra={"document_id": document.document_id, "state": state.value},
            )
            return False
        by_chunk = {key: vector for (key, _), vector in zip(document.chunks, vectors, strict=True)}
        return self._documents.complete(document.document_id, by_chunk, encoder.model_id)


def validate_document_name(name: str) -> str:
    """Return the name without surrounding blanks, or raise `DocumentNameInvalid`."""
    stripped = name.strip()
    if not 1 <= len(stripped) <= MAX_DOCUMENT_NAME or not stripped.isprintable():
        raise DocumentNameInvalid(
            f"The document's name is empty, longer than {MAX_DOCUMENT_NAME} characters or not"
            " printable."
        )
    return stripped


def _unchanged(document_id: str, name: str, known: DocumentFingerprint) -> IngestResult:
    queued = known.state is DocumentState.QUEUED
    return IngestResult(
        document_id,
        name,
        status="queued" if queued else "unchanged",
        reason=MODEL_DOWN if queued else "",
        chunks=known.chunks,
        version=known.version,
    )
