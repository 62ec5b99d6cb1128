"""Rows of projects."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.infra.storage.dialect import count_true, greatest, insert_or_ignore
from trimtab.kernel.ids import new_id
from trimtab.kernel.names import problem_of_name
from trimtab.knowledge.errors import ProjectNameInvalid, ProjectUnknown
from trimtab.knowledge.records import STANDARD, ProjectStats
from trimtab.knowledge.store.database import intact, sealed
from trimtab.knowledge.store.dialect import insert_or_replace, overwrite_deleted
from trimtab.knowledge.store.tables import chunks, deletions, documents, metadata, projects, vectors


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project as other rows refer to it."""

    key: int
    id: str
    name: str
    index_version: int
    engine: str = "embedded"
    """Where its vectors are searched; see ``engines``."""
    embedder: str = STANDARD
    """Which model makes its vectors; see ``embedders``."""
    is_new: bool = False
    """Whether the call that returns it has created it."""


class ProjectStore:
    """Creates, finds, lists and deletes projects."""

    def __init__(self, database: Database, engine: str = "embedded") -> None:
        self._database = database
        self._engine = engine
        """Of new projects."""

    def find(self, name: str) -> ProjectRow:
        """Return the project, or raise `ProjectUnknown`."""
        with self._database.read() as connection:
            return find_project(connection, name)

    def ensure(self, name: str, at: datetime, embedder: str = STANDARD) -> ProjectRow:
        """Return the project, made now when it is missing, with that embedder."""
        try:
            return self.find(name)
        except ProjectUnknown:
            _check_new(name)
            with self._database.write() as connection:
                row = {
                    "id": new_id("prj", at),
                    "name": name,
                    "created_at": at.isoformat(),
                    "engine": self._engine,
                    "embedder": embedder,
                }
                inserted = connection.execute(
                    insert_or_ignore(connection, projects),
                    {**sealed("projects", row), "index_version": 0},
                )
                return replace(find_project(connection, name), is_new=inserted.rowcount == 1)

    def delete(self, name: str, at: datetime) -> int:
        """Delete the project with all its documents; return how many documents it had."""
        with self._database.write() as connection:
            overwrite_deleted(connection)
            project = find_project(connection, name)
            mine = documents.c.project_key == project.key
            gone = [
                deletion(row.id, project.id, at)
                for row in connection.execute(sa.select(documents.c.id).where(mine))
            ]
            if gone:
                connection.execute(insert_or_replace(connection, deletions), gone)
            connection.execute(sa.delete(chunks).where(chunks.c.project_key == project.key))
            connection.execute(sa.delete(documents).where(mine))
            connection.execute(sa.delete(projects).where(projects.c.key == project.key))
            return len(gone)

    def move_versions_on(self, least: int) -> None:
        """Raise every index version above ``least``, so that no cached result matches it."""
        with self._database.write() as connection:
            newer = greatest(projects.c.index_version, least) + 1
            connection.execute(sa.update(projects).values(index_version=newer))

    def metadata_count(self) -> int:
        """Return how many tags and labels the documents of all projects have together."""
        with self._database.read() as connection:
            count = sa.select(sa.func.count()).select_from(metadata)
            return int(connection.execute(count).scalar_one())

    def embedders(self) -> frozenset[str]:
        """Return the embedders that projects have."""
        with self._database.read() as connection:
            return frozenset(connection.scalars(sa.select(projects.c.embedder).distinct()))

    def names(self) -> tuple[str, ...]:
        """Return all names in alphabetical order."""
        with self._database.read() as connection:
            return tuple(connection.scalars(sa.select(projects.c.name).order_by(projects.c.name)))

    def overview(self) -> tuple[tuple[int, ProjectStats], ...]:
        """Return every project's key, and its counts, by name."""
        with self._database.read() as connection:
            of_documents = {
                row.project_key: row
                for row in connection.execute(
                    sa.select(
                        documents.c.project_key,
                        sa.func.count().label("documents"),
                        sa.func.sum(documents.c.characters).label("characters"),
                        count_true(documents.c.state == "queued").label("queued"),
                    ).group_by(documents.c.project_key)
                )
            }
            of_chunks = {
                row.project_key: row
                for row in connection.execute(
                    sa.select(
                        chunks.c.project_key,
                        sa.func.count().label("chunks"),
                        sa.func.count(vectors.c.chunk_key).label("vectors"),
                    )
                    .outerjoin_from(chunks, vectors, vectors.c.chunk_key == chunks.c.key)
                    .group_by(chunks.c.project_key)
                )
            }
            rows = [
                intact("projects", row)
                for row in connection.execute(sa.select(projects).order_by(projects.c.name))
            ]
        return tuple(
            (row.key, _stats(row, of_documents.get(row.key), of_chunks.get(row.key)))
            for row in rows
        )


def _stats(
    row: sa.Row[Any], documents_row: sa.Row[Any] | None, chunks_row: sa.Row[Any] | None
) -> ProjectStats:
    return ProjectStats(
        id=row.id,
        name=row.name,
        documents=_of(documents_row, "documents"),
        chunks=_of(chunks_row, "chunks"),
        vectors=_of(chunks_row, "vectors"),
        queued=_of(documents_row, "queued"),
        characters=_of(documents_row, "characters"),
        index_version=row.index_version,
        created_at=datetime.fromisoformat(row.created_at),
        engine="" if row.engine == "embedded" else row.engine,
        embedder=row.embedder,
    )


def find_project(connection: sa.Connection, name: str) -> ProjectRow:
    """Return the project inside a transaction, or raise `ProjectUnknown`."""
    row = connection.execute(sa.select(projects).where(projects.c.name == name)).first()
    if row is None:
        raise ProjectUnknown(f"There is no project {name!r}.")
    intact("projects", row)
    return ProjectRow(row.key, row.id, row.name, row.index_version, row.engine, row.embedder)


def set_project(connection: sa.Connection, key: int, **values: str) -> None:
    """Write values of a project, and its seal, or raise `ProjectUnknown`."""
    by_key = projects.c.key == key
    row = connection.execute(sa.select(projects).where(by_key)).first()
    if row is None:
        raise ProjectUnknown("The project was deleted meanwhile.")
    new = sealed("projects", {**row._asdict(), **values})
    connection.execute(sa.update(projects).where(by_key).values(**values, seal=new["seal"]))


def deletion(document_id: str, project_id: str, at: datetime) -> dict[str, Any]:
    """Return the row that remembers a deletion."""
    row = {"document_id": document_id, "project_id": project_id, "deleted_at": at.isoformat()}
    return sealed("deletions", row)


def bump_index_version(connection: sa.Connection, project_key: int) -> bool:
    """Increment the project's index version, so that results cached for the former one expire.

    Returns:
        False when the project is gone.
    """
    raised = (
        sa.update(projects)
        .where(projects.c.key == project_key)
        .values(index_version=projects.c.index_version + 1)
    )
    return bool(connection.execute(raised).rowcount)


def _of(row: sa.Row[Any] | None, name: str) -> int:
    return int(getattr(row, name) or 0) if row is not None else 0


def _check_new(name: str) -> None:
    if problem := problem_of_name(name):
        raise ProjectNameInvalid(
            f"The project name {name!r} {problem}.", hint="Choose another name."
        )
