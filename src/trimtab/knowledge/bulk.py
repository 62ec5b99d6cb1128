"""Bulk ingestion: documents are embedded and written in groups, as a pipeline.

While the model works on one group, the next is read and the one before is written, so that the
model uses both cores nearly all of the time. Each document is still written whole or not at all.
"""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePosixPath

from trimtab.infra.folders import Listing, list_folder
from trimtab.kernel.errors import InvalidInput, TrimtabError
from trimtab.knowledge.embedding.precomputed import PrecomputedVectors
from trimtab.knowledge.encoder import EmbeddingStopped
from trimtab.knowledge.errors import DocumentUnreadable
from trimtab.knowledge.ingestion import DocumentSource, Ingestion, PreparedDocument, Progress
from trimtab.knowledge.parsing.formats import SUFFIXES
from trimtab.knowledge.records import (
    FailedDocument,
    FolderIngestResult,
    IngestResult,
    RefusedFile,
)
from trimtab.knowledge.store import DocumentFingerprint, ProjectRow
from trimtab.knowledge.store.writing import Vector

# A group is embedded in one call and written in one transaction.
_CHUNKS, _DOCUMENTS, _ENTRIES = 256, 128, 1000

_Fingerprints = Mapping[str, DocumentFingerprint]
_Vectors = dict[str, Vector]
"""By chunk id."""


@dataclass(frozen=True, slots=True)
class ShippedFolder:
    """Rules and vectors for a folder that ships with trimtab."""

    left_out: tuple[str, ...] = ()
    """Files that are not ingested, and folders, which end in ``/``."""
    vectors: PrecomputedVectors | None = None
    """Vectors of passages, which the model then need not compute."""

    def takes(self, name: str) -> bool:
        """Return whether the file is ingested."""
        return not any(
            name == entry or (entry.endswith("/") and name.startswith(entry))
            for entry in self.left_out
        )


@dataclass(frozen=True, slots=True)
class _Upcoming:
    """A document to ingest: opened in its turn, and again if it must be ingested alone."""

    name: str
    open: Callable[[], AbstractContextManager[DocumentSource]]


@dataclass
class _Group:
    """Documents that are embedded and written together."""

    entries: list[tuple[_Upcoming, PreparedDocument | IngestResult | FailedDocument]] = field(
        default_factory=list
    )
    new: list[PreparedDocument] = field(default_factory=list)
    """The entries to write."""
    chunks: int = 0

    def add(
        self, upcoming: _Upcoming, entry: PreparedDocument | IngestResult | FailedDocument
    ) -> None:
        self.entries.append((upcoming, entry))
        if isinstance(entry, PreparedDocument):
            self.new.append(entry)
            self.chunks += len(entry.needed)

    def is_full(self) -> bool:
        return (
            self.chunks >= _CHUNKS or len(self.new) >= _DOCUMENTS or len(self.entries) >= _ENTRIES
        )


class BulkIngestion:
    """Ingests folders and lists of documents through an `Ingestion`."""

    def __init__(self, ingestion: Ingestion) -> None:
        self._ingestion = ingestion

    def ingest_folder(
        self,
        project: str,
        folder: Path,
        progress: Progress | None = None,
        stop: threading.Event | None = None,
        shipped: ShippedFolder | None = None,
    ) -> FolderIngestResult:
        """Ingest every file of a known type below the folder; refused files do not stop the others.

        It ends early, with what was ingested until then, when ``stop`` is set.

        Raises:
            TrimtabError: A failure that is not about a file ends it: a full disk, a damaged
                database. Documents reported until then are kept.
        """
        listing = list_files(folder, shipped)
        files = (
            _Upcoming(file.name, partial(self._ingestion.open_source, file.name, file.open))
            for file in listing.files
        )
        row, known = self._ingestion.open_project(project)
        ingested: list[IngestResult] = []
        refused: list[RefusedFile] = []
        stop = stop or threading.Event()
        vectors = shipped.vectors if shipped else None
        with closing(self._ingest(row, known, files, stop, vectors)) as outcomes:
            for number, outcome in enumerate(outcomes, 1):
                if isinstance(outcome, IngestResult):
                    ingested.append(outcome)
                else:
                    refused.append(_refusal(outcome))
                if progress is not None:
                    progress(number, len(listing.files), outcome.name)
        return FolderIngestResult(tuple(ingested), tuple(refused), listing.left_out)

    def ingest_many(
        self, project: str, sources: Sequence[DocumentSource]
    ) -> Iterator[IngestResult | FailedDocument]:
        """Ingest open documents; yield the outcome of each, in order.

        An error of one does not stop the others. When a group cannot be written, each document in
        it fails.
        """
        row, known = self._ingestion.open_project(project, sources)
        upcoming = (_Upcoming(source.name, partial(_open, source)) for source in sources)
        yield from self._ingest(row, known, upcoming, threading.Event())

    def _ingest(
        self,
        row: ProjectRow,
        known: _Fingerprints,
        documents: Iterable[_Upcoming],
        stop: threading.Event,
        vectors: PrecomputedVectors | None = None,
    ) -> Generator[IngestResult | FailedDocument, None, None]:
        """Yield each document's outcome, in order, as soon as it is on disk, until ``stop``."""
        left = threading.Event()

        def is_stopped() -> bool:
            return stop.is_set() or left.is_set()

        documents = takewhile(lambda _: not is_stopped(), documents)
        with ThreadPoolExecutor(1, thread_name_prefix="knowledge-bulk") as embedder:
            previous: tuple[_Group, Future[_Vectors | None]] | None = None
            try:
                for group in self._group(row, known, documents):
                    started = (
                        group,
                        embedder.submit(self._ingestion.embed, row, group.new, is_stopped, vectors),
                    )
                    if previous is not None:
                        yield from self._write(row, previous[0], previous[1].result())
                    previous = started
                if previous is not None:
                    yield from self._write(row, previous[0], previous[1].result())
            except EmbeddingStopped:
                return
            finally:
                left.set()  # The outcome of a group that is still being embedded is not wanted.

    def _group(
        self, row: ProjectRow, known: _Fingerprints, documents: Iterable[_Upcoming]
    ) -> Iterator[_Group]:
        group = _Group()
        for upcoming in documents:
            try:
                with upcoming.open() as source:
                    group.add(upcoming, self._ingestion.prepare(row, source, known))
            except TrimtabError as error:
                group.add(upcoming, FailedDocument(upcoming.name, error))
            if group.is_full():
                yield group
                group = _Group()
        if group.entries:
            yield group

    def _write(
        self, row: ProjectRow, group: _Group, vectors: _Vectors | None
    ) -> Iterator[IngestResult | FailedDocument]:
        written: list[IngestResult | TrimtabError | None] = [None] * len(group.new)
        if group.new and (vectors is not None or not self._ingestion.is_model_up(row)):
            try:
                written = [*self._ingestion.write(row, group.new, vectors)]
            except TrimtabError as error:
                written = [error] * len(group.new)
        outcomes = iter(written)
        for upcoming, entry in group.entries:
            outcome = next(outcomes) if isinstance(entry, PreparedDocument) else entry
            if isinstance(outcome, TrimtabError):
                yield FailedDocument(upcoming.name, outcome)
            else:
                # Alone: finds the document whose text makes the model fail, and compares one that
                # changed meanwhile again.
                yield outcome or self._ingest_alone(row, upcoming)

    def _ingest_alone(self, row: ProjectRow, upcoming: _Upcoming) -> IngestResult | FailedDocument:
        try:
            with upcoming.open() as source:
                return self._ingestion.ingest(row.name, source)
        except TrimtabError as error:
            return FailedDocument(upcoming.name, error)


def _open(source: DocumentSource) -> AbstractContextManager[DocumentSource]:
    return nullcontext(source)


def _refusal(failed: FailedDocument) -> RefusedFile:
    """Return the refusal; raise an error that is not about the file itself."""
    error = failed.error
    if not isinstance(error, InvalidInput):
        raise error
    return RefusedFile(failed.name, error.code, error.message, error.hint())


def list_files(folder: Path, shipped: ShippedFolder | None = None) -> Listing:
    """Return the folder's files of known types, and the entries left out.

    Raises:
        DocumentUnreadable: It is no folder, or cannot be read.
    """
    try:
        listing = list_folder(folder)
    except NotADirectoryError as error:
        raise DocumentUnreadable(f"{folder} is not a folder.", hint="Give a folder.") from error
    except OSError as error:
        raise DocumentUnreadable(
            f"{folder} cannot be read: {error.strerror}.", hint="Check the path and permissions."
        ) from error
    known = (file for file in listing.files if PurePosixPath(file.name).suffix.lower() in SUFFIXES)
    if shipped is not None:
        known = (file for file in known if shipped.takes(file.name))
    return replace(listing, files=tuple(known))
