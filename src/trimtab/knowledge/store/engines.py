"""Rows for engines outside this process, and the spaces they hold."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from trimtab.infra.storage import Database
from trimtab.infra.storage.dialect import insert_or_ignore
from trimtab.knowledge.engine_port import EMBEDDED, Point
from trimtab.knowledge.store.projects import ProjectRow, bump_index_version, set_project
from trimtab.knowledge.store.tables import (
    chunks,
    documents,
    engine_spaces,
    metadata,
    projects,
    vectors,
)
from trimtab.knowledge.store.turns import try_turn

Keys = NDArray[np.int64]
_AT_ONCE = 500
_SPACES = "knowledge.engine_spaces"


@dataclass(frozen=True, slots=True)
class _Access:
    tags: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


_OPEN = _Access()


class EngineStore:
    """Reads passages as engines take them in, and keeps the record of engines."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def try_turn(self, work: str) -> AbstractContextManager[bool]:
        """Provide whether no other process does that work; see `turns`."""
        return try_turn(self._database, work)

    def filling_a_space(self) -> AbstractContextManager[bool]:
        """Let no process drop spaces meanwhile: one that is being filled belongs to no project."""
        return try_turn(self._database, _SPACES, shared=True)

    def try_sweeping(self) -> AbstractContextManager[bool]:
        """Provide whether no process is filling a space."""
        return try_turn(self._database, _SPACES)

    def stamps(self, project_key: int, model: str) -> dict[int, str]:
        """Return the stamp of each passage that has a vector of that model, by ascending key."""
        statement = (
            sa.select(chunks.c.key, chunks.c.id, chunks.c.document_key)
            .join_from(chunks, vectors, vectors.c.chunk_key == chunks.c.key)
            .where(chunks.c.project_key == project_key, vectors.c.model == model)
            .order_by(chunks.c.key)
        )
        with self._database.read() as connection:
            access = _access(connection, documents.c.project_key == project_key)
            return {
                key: _stamp(chunk, model, access.get(document, _OPEN))
                for key, chunk, document in connection.execute(statement)
            }

    def points(self, keys: Sequence[int], model: str) -> list[Point]:
        """Return those of the passages that exist now and have a vector of that model."""
        statement = (
            sa.select(chunks.c.key, chunks.c.id, chunks.c.document_key, vectors.c.vector)
            .join_from(chunks, vectors, vectors.c.chunk_key == chunks.c.key)
            .where(vectors.c.model == model)
        )
        found: list[Point] = []
        with self._database.read() as connection:
            for start in range(0, len(keys), _AT_ONCE):
                some = chunks.c.key.in_(keys[start : start + _AT_ONCE])
                rows = connection.execute(statement.where(some)).all()
                owners = documents.c.key.in_({row.document_key for row in rows})
                access = _access(connection, owners)
                found += [
                    _point(row.key, row.id, model, row.vector, access.get(row.document_key, _OPEN))
                    for row in rows
                ]
        return found

    def vectors(self, keys: Keys, model: str) -> tuple[Keys, NDArray[np.float32]]:
        """Return those of the keys that have a vector of that model, ascending, and their rows."""
        found: list[tuple[int, bytes]] = []
        with self._database.read() as connection:
            for start in range(0, len(keys), _AT_ONCE):
                some = vectors.c.chunk_key.in_(keys[start : start + _AT_ONCE].tolist())
                statement = sa.select(vectors.c.chunk_key, vectors.c.vector)
                rows = connection.execute(statement.where(some, vectors.c.model == model))
                found += [(row.chunk_key, row.vector) for row in rows]
        found.sort()
        packed = np.frombuffer(b"".join(vector for _, vector in found), np.float16)
        known = np.array([key for key, _ in found], np.int64)
        return known, packed.reshape(len(found), -1 if found else 0).astype(np.float32)

    def assign(self, project_key: int, engine: str) -> None:
        """Let the project be searched in that engine from now on, or raise `ProjectUnknown`."""
        with self._database.write() as connection:
            set_project(connection, project_key, engine=engine)
            bump_index_version(connection, project_key)

    def projects(self) -> list[ProjectRow]:
        """Return the projects whose vectors are searched outside this process."""
        statement = sa.select(projects).where(projects.c.engine != EMBEDDED)
        with self._database.read() as connection:
            return [
                ProjectRow(row.key, row.id, row.name, row.index_version, row.engine, row.embedder)
                for row in connection.execute(statement)
            ]

    def spaces(self) -> list[tuple[str, str]]:
        """Return engine and name of every space that was ever made and not yet dropped."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(engine_spaces.c.engine, engine_spaces.c.space))
            return [(row.engine, row.space) for row in rows]

    def note_space(self, engine: str, space: str) -> None:
        """Write down that a space is going to be made."""
        with self._database.write() as connection:
            row = {"engine": engine, "space": space}
            connection.execute(insert_or_ignore(connection, engine_spaces), row)

    def forget_space(self, engine: str, space: str) -> None:
        """Write down that a space is gone."""
        by_key = (engine_spaces.c.engine == engine) & (engine_spaces.c.space == space)
        with self._database.write() as connection:
            connection.execute(sa.delete(engine_spaces).where(by_key))


def _access(connection: sa.Connection, which: sa.ColumnElement[bool]) -> dict[int, _Access]:
    """Return the tags and labels of those documents that have any, by the document's key."""
    statement = (
        sa.select(metadata.c.document_key, metadata.c.name, metadata.c.value)
        .join_from(metadata, documents, documents.c.key == metadata.c.document_key)
        .where(which)
        .order_by(metadata.c.document_key, metadata.c.name, metadata.c.value)
    )
    found: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for key, name, value in connection.execute(statement):
        found[key][name].append(value)
    return {key: _Access(tuple(has["tag"]), tuple(has["label"])) for key, has in found.items()}


def _stamp(chunk_id: str, model: str, access: _Access) -> str:
    # A passage's id is a hash of its text, and the model's id stands for its weights.
    made_of = "\0".join((chunk_id, model, *access.tags, "\1", *access.labels))
    return hashlib.blake2b(made_of.encode(), digest_size=12).hexdigest()


def _point(key: int, chunk_id: str, model: str, vector: bytes, access: _Access) -> Point:
    row = np.frombuffer(vector, np.float16).astype(np.float32)
    return Point(key, _stamp(chunk_id, model, access), row, access.tags, access.labels)
