"""Many documents at once: the unchanged are told by their hashes, the others embedded together and written in groups.

While the model works on one group, the next is read and the one before is written, so that the model has both cores
nearly all of the time. Each document is still written whole or not at all.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath

from trimtab.infra.folders import Listing, list_folder
from trimtab.kernel.errors import InvalidInput, TrimtabError
from trimtab.knowledge.errors import DocumentUnreadable, EmbedderUnavailable
from trimtab.knowledge.ingestion import DocumentSource, Ingestion, PreparedDocument, Progress
from trimtab.knowledge.parsing.formats import SUFFIXES
from trimtab.knowledge.records import (
    FailedDocument,
    FolderIngestResult,
    IngestResult,
    RefusedDocument,
)
from trimtab.knowledge.store import DocumentFingerprint, ProjectRow
from trimtab.knowledge.store.rows import Vector

# A group is embedded in one go and written in one transaction.
_CHUNKS, _DOCUMENTS, _ENTRIES = 256, 128, 1000

_Vectors = dict[str, Vector]
"""By chunk id."""


@dataclass(frozen=True, slots=True)
class _Named:
    """A document to come: opened when it is its turn, and once more if it must be taken in alone."""

    name: str
    opened: Callable[[], AbstractContextManager[DocumentSource]]


@dataclass
class _Group:
    entries: list[tuple[_Named, PreparedDocument | IngestResult | FailedDocument]] = field(
        default_factory=list
    )
    new: list[PreparedDocument] = field(default_factory=list)
    """Those of the entries that are to be written."""
    chunks: int = 0

    def add(self, named: _Named, entry: PreparedDocument | IngestResult | FailedDocument) -> None:
        self.entries.append((named, entry))
        if isinstance(entry, PreparedDocument):
            self.new.append(entry)
            self.chunks += len(entry.needed)

    def full(self) -> bool:
        return (
            self.chunks >= _CHUNKS or len(self.new) >= _DOCUMENTS or len(self.entries) >= _ENTRIES
        )


class BulkIngestion:
    """Takes in whole folders and lists of documents through an `Ingestion`."""

    def __init__(self, ingestion: Ingestion) -> None:
        self._ingestion = ingestion

    def ingest_folder(
        self, project: str, folder: Path, progress: Progress | None
    ) -> FolderIngestResult:
        """Take in every file of a known type below the folder; a refused file does not stop the others.

        Raises:
            TrimtabError: What is no fault of a file ends it: a full disk, a damaged database. What was reported
                until then is kept.
        """
        listing = _listed(folder)
        files = (
            _Named(file.name, partial(self._ingestion.opened, file.name, file.open))
            for file in listing.files
        )
        row, known = self._ingestion.project(project)
        done: list[IngestResult] = []
        refused: list[RefusedDocument] = []
        for number, outcome in enumerate(self._outcomes(row, known, files), 1):
            if isinstance(outcome, IngestResult):
                done.append(outcome)
            else:
                refused.append(_refused(outcome))
            if progress is not None:
                progress(number, len(listing.files), outcome.name)
        return FolderIngestResult(tuple(done), tuple(refused), listing.left_out)

    def ingest_many(
        self, project: str, sources: Sequence[DocumentSource]
    ) -> Iterator[IngestResult | FailedDocument]:
        """Take in documents that are open already; yield what became of each, in order.

        No error of one stops the others. When a group cannot be written, that is what became of each document in it.
        """
        row, known = self._ingestion.project(project, [source.name.strip() for source in sources])
        named = (_Named(source.name, partial(_open_already, source)) for source in sources)
        yield from self._outcomes(row, known, named)

    def _outcomes(
        self, row: ProjectRow, known: dict[str, DocumentFingerprint], documents: Iterable[_Named]
    ) -> Iterator[IngestResult | FailedDocument]:
        """Yield what became of each document, in order, as soon as it is on disk."""
        with ThreadPoolExecutor(1, thread_name_prefix="knowledge-bulk") as beside:
            before: tuple[_Group, Future[_Vectors | None]] | None = None
            for group in self._groups(row, known, documents):
                started = group, beside.submit(self._embedded, group)
                if before is not None:
                    yield from self._written(row, before[0], before[1].result())
                before = started
            if before is not None:
                yield from self._written(row, before[0], before[1].result())

    def _groups(
        self, row: ProjectRow, known: dict[str, DocumentFingerprint], documents: Iterable[_Named]
    ) -> Iterator[_Group]:
        group = _Group()
        for named in documents:
            try:
                with named.opened() as source:
                    before = known.get(source.name.strip())
                    group.add(named, self._ingestion.prepared(row, source, before))
            except TrimtabError as error:
                group.add(named, FailedDocument(named.name, error))
            if group.full():
                yield group
                group = _Group()
        if group.entries:
            yield group

    def _embedded(self, group: _Group) -> _Vectors | None:
        """Return the vectors that the group lacks; None when the model failed."""
        needed = [chunk for prepared in group.new for chunk in prepared.needed]
        try:
            vectors = self._ingestion.vectors(needed)
        except EmbedderUnavailable:
            return None
        return {chunk.id: vector for chunk, vector in zip(needed, vectors, strict=True)}

    def _written(
        self, row: ProjectRow, group: _Group, vectors: _Vectors | None
    ) -> Iterator[IngestResult | FailedDocument]:
        done: list[IngestResult | TrimtabError | None] = [None] * len(group.new)
        if group.new and (vectors is not None or not self._ingestion.model_up):
            try:
                done = [*self._ingestion.write(row, group.new, vectors)]
            except TrimtabError as error:
                done = [error] * len(group.new)
        outcomes = iter(done)
        for named, entry in group.entries:
            outcome = next(outcomes) if isinstance(entry, PreparedDocument) else entry
            if isinstance(outcome, TrimtabError):
                yield FailedDocument(named.name, outcome)
            else:
                # Alone, the one whose text makes the model fail is found, and one that changed meanwhile is compared anew.
                yield outcome or self._alone(row, named)

    def _alone(self, row: ProjectRow, named: _Named) -> IngestResult | FailedDocument:
        try:
            with named.opened() as source:
                return self._ingestion.ingest(row.name, source)
        except TrimtabError as error:
            return FailedDocument(named.name, error)


def _open_already(source: DocumentSource) -> AbstractContextManager[DocumentSource]:
    return nullcontext(source)


def _refused(failed: FailedDocument) -> RefusedDocument:
    """Return the refusal; an error that is not about the file itself is raised."""
    error = failed.error
    if not isinstance(error, InvalidInput):
        raise error
    return RefusedDocument(failed.name, error.code, error.message, error.hint())


def _listed(folder: Path) -> Listing:
    """Return the folder's files of known types, and what is left out."""
    try:
        listing = list_folder(folder)
    except NotADirectoryError as error:
        raise DocumentUnreadable(f"{folder} is not a folder.", hint="Give a folder.") from error
    except OSError as error:
        raise DocumentUnreadable(
            f"{folder} cannot be read: {error.strerror}.", hint="Check the path and permissions."
        ) from error
    known = (file for file in listing.files if PurePosixPath(file.name).suffix.lower() in SUFFIXES)
    return replace(listing, files=tuple(known))
