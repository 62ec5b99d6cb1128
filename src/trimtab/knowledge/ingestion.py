"""Files into the store: parsed, cut, embedded as far as needed, written whole; queued when the model is down."""

import logging
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.ids import content_id
from trimtab.knowledge.chunking import chunked
from trimtab.knowledge.encoder import Encoder
from trimtab.knowledge.errors import DocumentNameInvalid, DocumentUnreadable, EmbedderUnavailable
from trimtab.knowledge.parsing.content import Content
from trimtab.knowledge.parsing.formats import SUFFIXES
from trimtab.knowledge.parsing.parser import Parser, too_large
from trimtab.knowledge.records import (
    Chunk,
    DocumentState,
    FolderIngested,
    Ingested,
    ParsedDocument,
    Refused,
)
from trimtab.knowledge.searching import MODEL_DOWN
from trimtab.knowledge.store import DocumentStore, NewDocument, ProjectRow, ProjectStore
from trimtab.knowledge.store.documents import Waiting
from trimtab.knowledge.store.rows import Vector

_log = logging.getLogger(__name__)
MAX_NAME_CHARACTERS = 500
# Part of the source hash: raise it when chunking changes, so that documents are cut anew when next ingested.
_CHUNKING = "1"

Progress = Callable[[int, int, str], None]
"""Called with files done, files in all, and the name of the last one."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it came in."""

    name: str
    data: Content
    media_type: str | None = None
    owner: str = ""
    """The person whose document it is, for erasure on request; empty when it is nobody's."""


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

    def ingest(self, project: str, source: Source) -> Ingested:
        """Take one document in; see `Knowledge.ingest_bytes`."""
        name = _checked_name(source.name)
        parsed = self._parser.parse(name, source.data, source.media_type)
        digest = self._digest(source.data.sha256())
        # Two ingestions of one document must not interleave between reading what is there and writing.
        with self._writing:
            row = self._projects.ensure(project, self._clock.now())
            document_id = content_id("doc", row.id, name)
            known = self._documents.source_of(document_id)
            if known is not None and known[0] == digest:
                self._documents.share(document_id, source.owner)
                return self._unchanged(project, document_id, name, known[1])
            return self._write(row, document_id, parsed, digest, replace(source, name=name))

    def ingest_folder(
        self, project: str, folder: Path, progress: Progress | None
    ) -> FolderIngested:
        """Take in every file of a known type below the folder; a refused file does not stop the others."""
        files = list(_files(folder))
        done: list[Ingested] = []
        refused: list[Refused] = []
        for number, file in enumerate(files, 1):
            name = file.relative_to(folder).as_posix()
            try:
                with self.source(file, name) as source:
                    done.append(self.ingest(project, source))
            except TrimtabError as error:
                if error.retryable:
                    raise
                refused.append(Refused(name, error.code, error.message, error.hint()))
            if progress is not None:
                progress(number, len(files), name)
        return FolderIngested(tuple(done), tuple(refused))

    @contextmanager
    def source(self, file: Path, name: str) -> Iterator[Source]:
        """Open a file after checking that it is a regular one within the limit."""
        try:
            if not stat.S_ISREG(file.stat().st_mode):
                raise DocumentUnreadable(f"{name} is not a file.", hint="Give a regular file.")
            with file.open("rb") as stream:
                status = os.fstat(stream.fileno())
                if status.st_size > self._settings.max_document_mb * 1024 * 1024:
                    raise too_large(name, status.st_size, self._settings)
                yield Source(name, Content(stream))
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

    def _unchanged(self, project: str, document_id: str, name: str, version: int) -> Ingested:
        document = self._documents.get(project, document_id)
        queued = document.state is DocumentState.QUEUED
        return Ingested(
            document_id,
            name,
            status="queued" if queued else "unchanged",
            reason=MODEL_DOWN if queued else "",
            chunks=document.chunks,
            version=version,
        )

    def _write(
        self,
        project: ProjectRow,
        document_id: str,
        parsed: ParsedDocument,
        digest: str,
        source: Source,
    ) -> Ingested:
        chunks = chunked(document_id, parsed, self._settings.chunk_characters)
        made, missing = self._new_vectors(document_id, chunks)
        state = DocumentState.QUEUED if missing else DocumentState.READY
        document = NewDocument(
            id=document_id,
            name=source.name,
            title=parsed.title[:MAX_NAME_CHARACTERS],
            media_type=parsed.media_type,
            source_hash=digest,
            size_bytes=source.data.size,
            characters=len(parsed.text),
            chunks=chunks,
            vectors=made,
            model=self._encoder.model_id,
            state=state,
            owner=source.owner,
        )
        version = self._documents.write(project, document, self._clock.now())
        return Ingested(
            document_id,
            source.name,
            status="queued" if missing else "ingested",
            reason=MODEL_DOWN if missing else "",
            chunks=len(chunks),
            embedded_chunks=len(made),
            version=version,
        )

    def _new_vectors(self, document_id: str, chunks: list[Chunk]) -> tuple[dict[str, Vector], bool]:
        """Return vectors for the chunks that have none yet, and whether any are missing still."""
        has = self._documents.embedded_chunks(document_id, self._encoder.model_id)
        needed = [chunk for chunk in chunks if chunk.id not in has]
        try:
            vectors = self._encoder.vectors([chunk.embedded_text() for chunk in needed])
        except EmbedderUnavailable:
            return {}, bool(needed)
        return {chunk.id: vector for chunk, vector in zip(needed, vectors, strict=True)}, False

    def _complete(self, document: Waiting) -> bool | None:
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


def _files(folder: Path) -> Iterator[Path]:
    """Yield the regular files of known types, in order; hidden ones and links that lead out are left alone."""
    try:
        if not stat.S_ISDIR(folder.stat().st_mode):
            raise DocumentUnreadable(f"{folder} is not a folder.", hint="Give a folder.")
    except OSError as error:
        raise DocumentUnreadable(
            f"{folder} cannot be read: {error.strerror}.", hint="Check the path and permissions."
        ) from error
    root = folder.resolve()
    for file in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        known = file.suffix.lower() in SUFFIXES and file.is_file()
        if known and not hidden and file.resolve().is_relative_to(root):
            yield file
