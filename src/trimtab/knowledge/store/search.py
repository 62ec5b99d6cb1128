"""Reads for searches: keywords, vectors, and the existing rows that hits are joined with."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from trimtab.infra.storage import Database, ServerReads
from trimtab.knowledge.errors import DatabaseDamaged, ProjectUnknown
from trimtab.knowledge.records import STANDARD
from trimtab.knowledge.store.database import intact, seal
from trimtab.knowledge.store.fts_query import full_text_query
from trimtab.knowledge.store.labels import labels_of
from trimtab.knowledge.store.postgres_words import rank_words
from trimtab.knowledge.store.projects import ProjectRow, find_project, project_row
from trimtab.knowledge.store.tables import chunks, documents, metadata, projects, vectors

_MARK = "projects"
"""Name of the mark that every change of a project replaces."""
_PROJECT_QUERY = (
    f"SELECT {', '.join(column.name for column in projects.c)}{{marks}}"  # noqa: S608 - constants.
    " FROM knowledge.projects WHERE name = %s"
)


@dataclass(frozen=True, slots=True)
class SearchedProject:
    """A project as its searches see it, until the database changes."""

    row: ProjectRow
    labels: frozenset[str]
    """The access labels that its documents have."""
    changes: int
    """What `Database.changes` was before it was read."""
    mark: str | None = None
    """What all processes replace when they change a project; None on SQLite."""


@dataclass(frozen=True, slots=True)
class VectorRows:
    """All vectors of a project, as stored: keys (n,), unit rows (n, dimension)."""

    keys: NDArray[np.int64]
    rows: NDArray[np.float16]
    index_version: int


Keys = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage as an index takes it in."""

    key: int
    words: str
    """What keywords find it by: headings (or the document's title), text, and document name."""
    vector: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A passage that exists now."""

    key: int
    id: str
    document_id: str
    document_name: str
    title: str
    text: str
    start: int
    page: int | None
    heading: str


class SearchStore:
    """Reads for searches; writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._server = database if isinstance(database, ServerReads) else None
        if self._server is not None:
            self._server.marks.watch(_MARK, "knowledge.project_changes")
        self._projects: dict[str, SearchedProject] = {}
        """By name, as last read."""

    @property
    def shared(self) -> bool:
        """True if other processes change the database too."""
        return self._server is not None

    def project(self, name: str) -> SearchedProject:
        """Return the project, from memory when nothing changed since it was read.

        On PostgreSQL another process may have changed it: there a query tells, unless the request
        has read a mark that does.

        Raises:
            ProjectUnknown: There is none of that name.
        """
        known = self._projects.get(name)
        changes = self._database.changes
        if known is not None:
            if self._is_current(known):
                return known
            if self._server and (same := self._reread(self._server, known)) is not None:
                return same
        with self._database.read() as connection:
            try:
                row = find_project(connection, name)
            except ProjectUnknown:
                self._projects.pop(name, None)
                raise
            if known is not None and known.row == row:
                labels = known.labels
            else:
                labels = frozenset(connection.scalars(labels_of(row.key)))
            mark = self._mark(connection)
        fresh = self._projects[name] = SearchedProject(row, labels, changes, mark)
        return fresh

    def _is_current(self, known: SearchedProject) -> bool:
        """Return whether nothing has changed since the project was read, without a query."""
        if known.changes != self._database.changes:
            return False
        if self._server is None:
            return True
        return known.mark is not None and known.mark == self._server.marks.current(_MARK)

    def _reread(self, server: ServerReads, known: SearchedProject) -> SearchedProject | None:
        """Return the project if one query finds it as it was; None if it has to be read."""
        changes, began, marks = self._database.changes, monotonic(), server.marks
        row = server.fetch_first(_PROJECT_QUERY.format(marks=marks.columns), known.row.name)
        if row is None or project_row(row) != known.row:
            return None
        marks.note(row, began)
        same = replace(known, changes=changes, mark=row.mark_projects)
        self._projects[known.row.name] = same
        return same

    def _mark(self, connection: sa.Connection) -> str | None:
        if self._server is None:
            return None
        found = connection.exec_driver_sql(self._server.marks.query(_MARK)).scalar()
        return None if found is None else str(found)

    def remembered(self, name: str) -> SearchedProject | None:
        """Return the project if it is in memory and nothing changed since it was read.

        On PostgreSQL that is known only if the request has read the marks.
        """
        known = self._projects.get(name)
        return known if known is not None and self._is_current(known) else None

    def version(self, project_key: int) -> int:
        """Return the project's index version now."""
        with self._database.read() as connection:
            return _version(connection, project_key)

    def versions(self) -> dict[int, int]:
        """Return the index version of every project, by key."""
        statement = sa.select(projects.c.key, projects.c.index_version)
        with self._database.read() as connection:
            return {int(key): int(version) for key, version in connection.execute(statement)}

    def place(self, project_key: int) -> tuple[str, str]:
        """Return engine and embedder of the project now; the engine is empty when it is gone."""
        which = projects.c.key == project_key
        statement = sa.select(projects.c.engine, projects.c.embedder).where(which)
        with self._database.read() as connection:
            row = connection.execute(statement).first()
        return (row.engine, row.embedder) if row is not None else ("", STANDARD)

    def full_text(
        self, project_key: int, query: str, limit: int, allowed: Keys | None = None
    ) -> list[tuple[int, float]]:
        """Return chunk keys and BM25 scores (higher is better), best first.

        Args:
            project_key: The project to search.
            query: Free text; passages with any of its words match, as the indexes compare words.
            limit: Maximum number of chunks.
            allowed: Only these chunks; None means all.
        """
        if self.shared:
            only = None if allowed is None else allowed.tolist()
            with self._database.read() as connection:
                return rank_words(connection, project_key, query, limit, only)
        return self._full_text(project_key, query, limit, allowed)

    def _full_text(
        self, project_key: int, query: str, limit: int, allowed: Keys | None
    ) -> list[tuple[int, float]]:
        match = full_text_query(query, self._tokens)
        if not match:
            return []
        only = "" if allowed is None else " AND chunks.key IN (SELECT value FROM json_each(:only))"
        statement = sa.text(
            "SELECT chunks_fts.rowid AS key, -bm25(chunks_fts, 1.0, 1.0) AS score"  # noqa: S608
            " FROM chunks_fts JOIN chunks ON chunks.key = chunks_fts.rowid"
            f" WHERE chunks_fts MATCH :match AND chunks.project_key = :project{only}"
            " ORDER BY score DESC, chunks_fts.rowid LIMIT :limit"
        )
        given: dict[str, object] = {"match": match, "project": project_key, "limit": limit}
        if allowed is not None:
            given["only"] = json.dumps(allowed.tolist())
        with self._database.read() as connection:
            return [(row.key, row.score) for row in connection.execute(statement, given)]

    def _tokens(self, first: str, last: str) -> list[str]:
        """Return the full-text index's tokens from ``first`` to below ``last``, or to the end."""
        statement = "SELECT term FROM chunks_tokens WHERE term >= :first"
        if last:
            statement += " AND term < :last"
        with self._database.read() as connection:
            return [*connection.scalars(sa.text(statement), {"first": first, "last": last})]

    def vectors(self, project_key: int, model: str, dimension: int) -> VectorRows:
        """Return all vectors of the project made by that model, and the version they belong to."""
        statement = (
            sa.select(vectors)
            .join_from(vectors, chunks, chunks.c.key == vectors.c.chunk_key)
            .where(chunks.c.project_key == project_key, vectors.c.model == model)
            .order_by(vectors.c.chunk_key)
        )
        with self._database.read() as connection:
            version = _version(connection, project_key)
            found = [intact("vectors", row) for row in connection.execute(statement)]
        keys = np.fromiter((row.chunk_key for row in found), dtype=np.int64, count=len(found))
        packed = np.frombuffer(b"".join(row.vector for row in found), dtype=np.float16)
        return VectorRows(keys, packed.reshape(-1, dimension), version)

    def keys(self, project_key: int, model: str) -> tuple[Keys, Keys]:
        """Return keys of all passages, and of those with a vector of that model; ascending."""
        of_project = chunks.c.project_key == project_key
        every = sa.select(chunks.c.key).where(of_project).order_by(chunks.c.key)
        with_vector = (
            sa.select(vectors.c.chunk_key)
            .join_from(chunks, vectors, vectors.c.chunk_key == chunks.c.key)
            .where(of_project, vectors.c.model == model)
            .order_by(vectors.c.chunk_key)
        )
        with self._database.read() as connection:
            return (
                np.fromiter(connection.scalars(every), dtype=np.int64),
                np.fromiter(connection.scalars(with_vector), dtype=np.int64),
            )

    def identities(self, project_key: int) -> NDArray[np.int64]:
        """Return row numbers and ids of the project's passages, shape (n, 2), by row number.

        An id is reduced to 60 of its bits: a row number that was reused shows another number.
        """
        selected = sa.select(chunks.c.key, chunks.c.id).where(chunks.c.project_key == project_key)
        with self._database.read() as connection:
            rows = connection.execute(selected.order_by(chunks.c.key)).all()
        return np.array([(key, int(name[-15:], 16)) for key, name in rows], np.int64).reshape(-1, 2)

    def passages(self, keys: Sequence[int], model: str) -> list[StoredPassage]:
        """Return those of the passages that exist now, with their vectors of that model."""
        joined = sa.and_(vectors.c.chunk_key == chunks.c.key, vectors.c.model == model)
        found: list[StoredPassage] = []
        with self._database.read() as connection:
            for start in range(0, len(keys), 500):
                statement = (
                    sa.select(
                        chunks,
                        documents.c.name.label("document_name"),
                        documents.c.title.label("document_title"),
                        vectors.c.model,
                        vectors.c.vector,
                        vectors.c.seal.label("vector_seal"),
                    )
                    .join_from(chunks, documents, documents.c.key == chunks.c.document_key)
                    .outerjoin(vectors, joined)
                    .where(chunks.c.key.in_(keys[start : start + 500]))
                )
                found += [_stored_passage(row) for row in connection.execute(statement)]
        return found

    def sample(self, project_key: int, size: int) -> list[tuple[int, str]]:
        """Return keys and texts of a sample of passages, spread evenly over the project."""
        every = sa.select(chunks.c.key).where(chunks.c.project_key == project_key)
        with self._database.read() as connection:
            keys = list(connection.scalars(every.order_by(chunks.c.key)))
            chosen = keys[:: max(1, len(keys) // size)][:size]
            statement = sa.select(chunks).where(chunks.c.key.in_(chosen))
            found = [intact("chunks", row) for row in connection.execute(statement)]
            return [(row.key, row.text) for row in found]

    def allowed(self, project_key: int, tags: Sequence[str], labels: Sequence[str] | None) -> Keys:
        """Return the keys of the passages that a caller may see, ascending.

        Args:
            project_key: Whose passages.
            tags: Only documents that have all of them.
            labels: Labelled documents need a shared one; None means the caller may see all.
        """
        selected = [chunks.c.project_key == project_key]
        selected += [_has("tag", (tag,)) for tag in tags]
        if labels is not None:
            selected.append(~_has("label") | _has("label", labels))
        statement = sa.select(chunks.c.key).where(*selected).order_by(chunks.c.key)
        with self._database.read() as connection:
            return np.fromiter(connection.scalars(statement), dtype=np.int64)

    def existing_chunks(self, project_key: int, keys: Sequence[int]) -> dict[int, StoredChunk]:
        """Return those of the chunks that exist now in that project, by key."""
        passages = sa.select(chunks).where(chunks.c.key.in_(keys))
        with self._database.read() as connection:
            rows = connection.execute(passages.where(chunks.c.project_key == project_key)).all()
            of = sa.select(documents).where(
                documents.c.key.in_({row.document_key for row in rows}),
                documents.c.project_key == project_key,
            )
            owners = {row.key: intact("documents", row) for row in connection.execute(of)}
        found: dict[int, StoredChunk] = {}
        for row in rows:
            document = owners.get(row.document_key)
            if document is not None:
                intact("chunks", row)
                found[row.key] = StoredChunk(
                    key=row.key,
                    id=row.id,
                    document_id=document.id,
                    document_name=document.name,
                    title=document.title,
                    text=row.text,
                    start=row.start_offset,
                    page=row.page,
                    heading=row.heading,
                )
        return found


def _has(name: str, values: Sequence[str] | None = None) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a passage's document has that metadata value."""
    which = [metadata.c.document_key == chunks.c.document_key, metadata.c.name == name]
    if values is not None:
        which.append(metadata.c.value.in_(list(values)))
    return sa.exists().where(*which)


def _stored_passage(row: Any) -> StoredPassage:
    intact("chunks", row)
    if row.vector is not None and row.vector_seal != seal(row.model, row.vector):
        raise DatabaseDamaged("A vector in the knowledge database is not as it was written.")
    vector = row.vector and np.frombuffer(row.vector, np.float16).astype(np.float32)
    # Headings begin with the title, where a document has any.
    heading = row.heading or row.document_title
    return StoredPassage(row.key, f"{heading}\n{row.text}\n{row.document_name}", vector)


def _version(connection: sa.Connection, project_key: int) -> int:
    found = connection.scalar(
        sa.select(projects.c.index_version).where(projects.c.key == project_key)
    )
    return int(found or 0)
