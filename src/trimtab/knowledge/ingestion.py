"""Files into the store: parsed, cut, embedded as far as needed, written whole; queued when the model is down."""

import logging
import os
import stat
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.kernel.clock import Clock
from trimtab.kernel.ids import content_id
from trimtab.knowledge.chunking import chunked
from trimtab.knowledge.encoder import Encoder
from trimtab.knowledge.errors import DocumentNameInvalid, DocumentUnreadable, EmbedderUnavailable
from trimtab.knowledge.parsing.content import Content
from trimtab.knowledge.parsing.parser import Parser, too_large
from trimtab.knowledge.records import (
    Chunk,
    DocumentState,
    IngestResult,
    ParsedDocument,
)
from trimtab.knowledge.search import MODEL_DOWN
from trimtab.knowledge.store import (
    DocumentFingerprint,
    DocumentStore,
    NewDocument,
    ProjectRow,
    ProjectStore,
)
from trimtab.knowledge.store.documents import QueuedDocument
from trimtab.knowledge.store.rows import Vector

_log = logging.getLogger(__name__)
MAX_NAME_CHARACTERS = 500
# Part of the source hash: raise it when chunking changes, so that documents are cut anew when next ingested.
_CHUNKING = "1"

Progress = Callable[[int, int, str], None]
"""Called with files done, files in all, and the name of the last one."""


@dataclass(frozen=True, slots=True)
class DocumentSource:
    """A file as it came in."""

    name: str
    data: Content
    media_type: str | None = None
    owner: str = ""
    """The person whose document it is, for erasure on request; empty when it is nobody's."""
    labels: tuple[str, ...] = ()
    """Access labels that it gets beside those that it has."""


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A new or changed document, cut and not yet embedded."""

    document: NewDocument
    """Without new vectors."""
    needed: tuple[Chunk, ...]
    """Its chunks that have no vector yet."""
    replaces: DocumentFingerprint | None
    """The document that it was compared with."""


class Ingestion:
    """Takes documents in and drains the queue of those that wait for the model."""

    def __init__(
        self,
        projects: ProjectStore,
        documents: DocumentStore,
        encoder: Encoder,
        parser: Parser,
        settings: KnowledgeSettings,
        clock: Clock,
    ) -> None:
        self._projects = projects
        self._documents = documents
        self._encoder = encoder
        self._parser = parser
        self._settings = settings
        self._clock = clock
        self._writing = threading.Lock()
        self._draining = threading.Lock()

    def ingest(self, project: str, source: DocumentSource) -> IngestResult:
        """Take one document in; see `Knowledge.ingest_bytes`."""
        name = _checked_name(source.name)
        parsed = self._parser.parse(name, source.data, source.media_type)
        digest = self._digest(source.data.sha256())
        # Two ingestions of one document must not interleave between reading what is there and writing.
        with self._writing:
            row = self._projects.ensure(project, self._clock.now())
            document_id = content_id("doc", row.id, name)
            known = self._documents.known(row.key, [name]).get(name)
            if known is not None and known.source_hash == digest:
                self._documents.share(document_id, source.owner)
                return _unchanged(document_id, name, known)
            source = replace(source, name=name)
            return self._write(row, self._document(document_id, parsed, digest, source))

    def project(
        self, name: str, documents: Sequence[str] | None = None
    ) -> tuple[ProjectRow, dict[str, DocumentFingerprint]]:
        """Return the project, made when it is missing, and what it has by document name: all, or of those named."""
        row = self._projects.ensure(name, self._clock.now())
        return row, self._documents.known(row.key, documents)

    def prepared(
        self, project: ProjectRow, source: DocumentSource, known: DocumentFingerprint | None
    ) -> PreparedDocument | IngestResult:
        """Return the document ready to be embedded; what became of it already if it is unchanged.

        Raises:
            TrimtabError: It is refused, as by `ingest`.
        """
        name = _checked_name(source.name)
        document_id = content_id("doc", project.id, name)
        digest = self._digest(source.data.sha256())
        if known is not None and known.source_hash == digest:
            self._documents.share(document_id, source.owner)
            return _unchanged(document_id, name, known)
        parsed = self._parser.parse(name, source.data, source.media_type)
        document = self._document(document_id, parsed, digest, replace(source, name=name))
        has = self._embedded(document_id) if known is not None else frozenset()
        needed = tuple(chunk for chunk in document.chunks if chunk.id not in has)
        return PreparedDocument(document, needed, known)

    def vectors(self, needed: Sequence[Chunk]) -> Sequence[Vector]:
        """Return a vector for each chunk, or raise `EmbedderUnavailable`."""
        return list(self._encoder.vectors([chunk.embedded_text() for chunk in needed]))

    @property
    def model_up(self) -> bool:
        """Whether the model answered last time."""
        return self._encoder.up

    def write(
        self,
        project: ProjectRow,
        prepared: Sequence[PreparedDocument],
        vectors: Mapping[str, Vector] | None,
    ) -> list[IngestResult | None]:
        """Write the documents, all or none; return what became of each, None for those that changed meanwhile.

        Args:
            project: Whose documents.
            prepared: The documents.
            vectors: By chunk id; None while the model is down: documents that need some are queued.
        """
        expected = [(_with(found, vectors), found.replaces) for found in prepared]
        with self._writing:
            versions = self._documents.write_many(project, expected, self._clock.now())
        return [
            None if version is None else _ingested(document, version)
            for (document, _), version in zip(expected, versions, strict=True)
        ]

    @contextmanager
    def source(self, file: Path, name: str) -> Iterator[DocumentSource]:
        """Open a file after checking that it is a regular one within the limit."""

        def open_regular() -> IO[bytes]:
            if not stat.S_ISREG(file.stat().st_mode):
                raise DocumentUnreadable(f"{name} is not a file.", hint="Give a regular file.")
            return file.open("rb")

        with self.opened(name, open_regular) as source:
            yield source

    @contextmanager
    def opened(self, name: str, open_file: Callable[[], IO[bytes]]) -> Iterator[DocumentSource]:
        """Open a file in its own way; one over the limit is refused unread."""
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
        """Make the vectors that queued documents lack; return how many documents became ready.

        Ends early when the model is down again or ``stop`` is set. A document whose own text makes the model fail is
        tried again after the others, and goes to the dead-letter list after `dead_letter_attempts`.
        """
        ready = 0
        with self._draining:
            while not stop.is_set() and self._encoder.up:
                waiting = self._documents.waiting(limit=1)
                if not waiting or (completed := self._complete(waiting[0])) is None:
                    break
                ready += completed
        return ready

    def _digest(self, sha256: str) -> str:
        return f"{_CHUNKING}:{self._settings.chunk_characters}:{sha256}"

    def _document(
        self, document_id: str, parsed: ParsedDocument, digest: str, source: DocumentSource
    ) -> NewDocument:
        return NewDocument(
            id=document_id,
            name=source.name,
            title=parsed.title[:MAX_NAME_CHARACTERS],
            media_type=parsed.media_type,
            source_hash=digest,
            size_bytes=source.data.size,
            characters=len(parsed.text),
            chunks=chunked(document_id, parsed, self._settings.chunk_characters),
            vectors={},
            model=self._encoder.model_id,
            state=DocumentState.READY,
            owner=source.owner,
            labels=source.labels,
        )

    def _write(self, project: ProjectRow, document: NewDocument) -> IngestResult:
        has = self._embedded(document.id)
        needed = tuple(chunk for chunk in document.chunks if chunk.id not in has)
        made: dict[str, Vector] | None = None
        try:
            made = {chunk.id: row for chunk, row in zip(needed, self.vectors(needed), strict=True)}
        except EmbedderUnavailable:
            _log.info("document queued", extra={"document_id": document.id})
        document = _with(PreparedDocument(document, needed, None), made)
        return _ingested(document, self._documents.write(project, document, self._clock.now()))

    def _embedded(self, document_id: str) -> frozenset[str]:
        return self._documents.embedded_chunks(document_id, self._encoder.model_id)

    def _complete(self, document: QueuedDocument) -> bool | None:
        """Return whether the document is ready now; None when the model is down, which is not the document's fault."""
        try:
            vectors = self._encoder.vectors([text for _, text in document.chunks])
        except EmbedderUnavailable as error:
            if not self._encoder.heartbeat():
                return None
            state = self._documents.failed(
                document.document_id, error.message, self._settings.dead_letter_attempts
            )
            _log.warning(
                "queued document failed",
                extra={"document_id": document.document_id, "state": state.value},
            )
            return False
        made = {key: vector for (key, _), vector in zip(document.chunks, vectors, strict=True)}
        return self._documents.complete(document.document_id, made, self._encoder.model_id)


def _checked_name(name: str) -> str:
    stripped = name.strip()
    if not 1 <= len(stripped) <= MAX_NAME_CHARACTERS or not stripped.isprintable():
        raise DocumentNameInvalid("The document's name is empty, too long or not printable.")
    return stripped


def _with(prepared: PreparedDocument, vectors: Mapping[str, Vector] | None) -> NewDocument:
    """Return the document with the vectors that it needs, or queued for them."""
    if vectors is None and prepared.needed:
        return replace(prepared.document, state=DocumentState.QUEUED)
    made = {chunk.id: vectors[chunk.id] for chunk in prepared.needed} if vectors else {}
    return replace(prepared.document, vectors=made)


def _ingested(document: NewDocument, version: int) -> IngestResult:
    queued = document.state is DocumentState.QUEUED
    return IngestResult(
        document.id,
        document.name,
        status="queued" if queued else "ingested",
        reason=MODEL_DOWN if queued else "",
        chunks=len(document.chunks),
        embedded_chunks=len(document.vectors),
        version=version,
    )


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
