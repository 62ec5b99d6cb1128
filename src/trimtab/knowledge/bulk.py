"""Many documents at once: the unchanged are told by their hashes, the others embedded together and written in groups.

While the model works on one group, the next is read and the one before is written, so that the model has both cores
nearly all of the time. Each document is still written whole or not at all.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from trimtab.kernel.errors import TrimtabError
from trimtab.knowledge.errors import DocumentUnreadable, EmbedderUnavailable
from trimtab.knowledge.ingestion import Ingestion, Prepared, Progress
from trimtab.knowledge.parsing.formats import SUFFIXES
from trimtab.knowledge.records import FolderIngested, Ingested, Refused
from trimtab.knowledge.store import Known, ProjectRow
from trimtab.knowledge.store.rows import Vector

# A group is embedded in one go and written in one transaction.
_CHUNKS, _DOCUMENTS, _ENTRIES = 256, 128, 1000

_Vectors = dict[str, Vector]
"""By chunk id."""


@dataclass
class _Group:
    entries: list[tuple[Path, Prepared | Ingested | Refused]] = field(default_factory=list)
    new: list[Prepared] = field(default_factory=list)
    """Those of the entries that are to be written."""
    chunks: int = 0

    def add(self, file: Path, entry: Prepared | Ingested | Refused) -> None:
        self.entries.append((file, entry))
        if isinstance(entry, Prepared):
            self.new.append(entry)
            self.chunks += len(entry.needed)

    def full(self) -> bool:
        return (
            self.chunks >= _CHUNKS or len(self.new) >= _DOCUMENTS or len(self.entries) >= _ENTRIES
        )


class BulkIngestion:
    """Takes in whole folders and lists of files through an `Ingestion`."""

    def __init__(self, ingestion: Ingestion) -> None:
        self._ingestion = ingestion

    def ingest_folder(
        self, project: str, folder: Path, progress: Progress | None
    ) -> FolderIngested:
        """Take in every file of a known type below the folder; a refused file does not stop the others."""
        names = _names(folder)
        done: list[Ingested] = []
        refused: list[Refused] = []
        outcomes = self._outcomes(project, ((name, folder / name) for name in names))
        for number, outcome in enumerate(outcomes, 1):
            if isinstance(outcome, Ingested):
                done.append(outcome)
            else:
                refused.append(outcome)
            if progress is not None:
                progress(number, len(names), outcome.name)
        return FolderIngested(tuple(done), tuple(refused))

    def _outcomes(
        self, project: str, files: Iterable[tuple[str, Path]]
    ) -> Iterator[Ingested | Refused]:
        """Yield what became of each file, in order, as soon as it is on disk."""
        row, known = self._ingestion.project(project)
        with ThreadPoolExecutor(1, thread_name_prefix="knowledge-bulk") as beside:
            before: tuple[_Group, Future[_Vectors | None]] | None = None
            for group in self._groups(row, known, files):
                started = group, beside.submit(self._embedded, group)
                if before is not None:
                    yield from self._written(row, before[0], before[1].result())
                before = started
            if before is not None:
                yield from self._written(row, before[0], before[1].result())

    def _groups(
        self, row: ProjectRow, known: dict[str, Known], files: Iterable[tuple[str, Path]]
    ) -> Iterator[_Group]:
        group = _Group()
        for name, file in files:
            try:
                with self._ingestion.source(file, name) as source:
                    group.add(file, self._ingestion.prepared(row, source, known.get(name)))
            except TrimtabError as error:
                group.add(file, _refused(name, error))
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
    ) -> Iterator[Ingested | Refused]:
        done: list[Ingested | None] = [None] * len(group.new)
        if group.new and vectors is not None:
            done = self._ingestion.write(row, group.new, vectors)
        outcome = iter(done)
        for file, entry in group.entries:
            if not isinstance(entry, Prepared):
                yield entry
            else:
                # Alone, a document is queued if the model is down, and one that changed meanwhile is compared anew.
                yield next(outcome) or self._alone(row, file, entry.document.name)

    def _alone(self, row: ProjectRow, file: Path, name: str) -> Ingested | Refused:
        try:
            with self._ingestion.source(file, name) as source:
                return self._ingestion.ingest(row.name, source)
        except TrimtabError as error:
            return _refused(name, error)


def _refused(name: str, error: TrimtabError) -> Refused:
    """Return the refusal; errors that a retry may cure are raised again."""
    if error.retryable:
        raise error
    return Refused(name, error.code, error.message, error.hint())


def _names(folder: Path) -> list[str]:
    """Return the paths of the files of known types in the folder, in order.

    Hidden ones and links that lead out are left alone.
    """
    try:
        if not stat.S_ISDIR(folder.stat().st_mode):
            raise DocumentUnreadable(f"{folder} is not a folder.", hint="Give a folder.")
    except OSError as error:
        raise DocumentUnreadable(
            f"{folder} cannot be read: {error.strerror}.", hint="Check the path and permissions."
        ) from error
    return list(_below(str(folder), "", folder.resolve()))


def _below(folder: str, inside: str, root: Path) -> Iterator[str]:
    """Yield the paths of the regular files of known types, ``inside`` being the folder's own path."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except PermissionError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(root):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path, f"{inside}{entry.name}/", root)
        elif entry.is_file() and PurePosixPath(entry.name).suffix.lower() in SUFFIXES:
            yield f"{inside}{entry.name}"
