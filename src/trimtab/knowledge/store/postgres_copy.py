"""Copies the knowledge tables of PostgreSQL into a SQLite file, and back.

The file is an ordinary ``knowledge.db`` of this release. So backups of both engines are checked,
searched, cleaned of people and put together by the same code, and each can be read on the other.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from trimtab.infra.storage import Database, SqliteDatabase
from trimtab.infra.storage.dialect import insert_or_ignore
from trimtab.kernel.errors import Corrupt, Unavailable
from trimtab.knowledge.store.database import consolidate_file
from trimtab.knowledge.store.postgres_words import add_words
from trimtab.knowledge.store.tables import (
    chunks,
    deletions,
    documents,
    engine_spaces,
    frequent_queries,
    metadata,
    new_vectors,
    projects,
    tuning,
    vectors,
)

_BLOCK = 1000
_BY_KEY: tuple[sa.Table, ...] = (projects, documents, chunks, vectors, new_vectors)
_WHOLE: tuple[sa.Table, ...] = (metadata, deletions, frequent_queries, tuning, engine_spaces)
_NUMBERED = ("projects", "documents", "chunks")
_REFERENCES = {"project_key": "projects", "document_key": "documents", "chunk_key": "chunks"}


def export_database(database: Database, file: Path, *, lenient: bool = False) -> str:
    """Write all knowledge of one instant into a new SQLite file.

    Args:
        database: On PostgreSQL.
        file: Where to; it must not exist.
        lenient: Leave out what cannot be read, for a damaged database; the rows are then not of
            one instant.

    Returns:
        The `stamp` of what was read, for `import_database`.

    Raises:
        Corrupt: A table cannot be read, and ``lenient`` is off.
    """
    SqliteDatabase(file, ("knowledge",)).close()
    into = sqlite3.connect(file, isolation_level=None)
    try:
        into.execute("BEGIN IMMEDIATE")
        with database.read() as connection:
            seen = stamp(connection)
            if not lenient:
                for table in (*_BY_KEY, *_WHOLE):
                    for rows in _blocks(connection, table):
                        _write(into, table, rows)
        if lenient:
            for table in (*_BY_KEY, *_WHOLE):
                for rows in _readable(database, table):
                    _write(into, table, rows)
        into.execute("COMMIT")
    finally:
        into.close()
    consolidate_file(file)
    for ending in ("-wal", "-shm", "-journal", "-commits"):
        file.with_name(f"{file.name}{ending}").unlink(missing_ok=True)
    return seen


def import_database(database: Database, file: Path, seen: str | None = None) -> None:
    """Replace all knowledge by that of a closed SQLite file, in one transaction.

    All rows get keys that were never in use, so that no index or cache of any process can take a
    row for another one.

    Args:
        database: On PostgreSQL.
        file: A database of this release.
        seen: What `export_database` returned; None replaces whatever there is.

    Raises:
        Unavailable: Something changed since then. Nothing was replaced.
    """
    source = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    source.row_factory = sqlite3.Row
    try:
        with database.write() as connection:
            if seen is not None and stamp(connection) != seen:
                raise Unavailable(
                    "Another process changed the knowledge database meanwhile.",
                    hint="Repeat the call.",
                )
            offsets = {name: _last_key(connection, name) for name in _NUMBERED}
            for table in (chunks, documents, projects, deletions, tuning):
                connection.execute(sa.delete(table))
            for table in (*_BY_KEY, *_WHOLE):
                for rows in _rows_of(source, table, offsets):
                    connection.execute(insert_or_ignore(connection, table), rows)
                    if table is chunks:
                        add_words(connection, rows)
            for name in _NUMBERED:
                _continue_after(connection, name)
    finally:
        source.close()


def stamp(connection: sa.Connection) -> str:
    """Return the mark that is replaced whenever a project changes, comes or goes."""
    return str(connection.scalar(sa.text("SELECT mark FROM project_changes")))


def _blocks(connection: sa.Connection, table: sa.Table) -> Iterator[list[dict[str, Any]]]:
    if table in _WHOLE:
        yield _dicts(connection, sa.select(table))
        return
    key, last = _key_of(table), -1
    while True:
        rows = _dicts(connection, sa.select(table).where(key > last).order_by(key).limit(_BLOCK))
        if not rows:
            return
        yield rows
        last = rows[-1][key.name]


def _readable(database: Database, table: sa.Table) -> Iterator[list[dict[str, Any]]]:
    """Yield what can be read: ranges of keys, and where one cannot be read, its halves."""
    if table in _WHOLE:
        try:
            with database.read() as connection:
                rows = _dicts(connection, sa.select(table))
        except Corrupt:
            rows = []
        yield rows
        return
    with database.read() as connection:
        name = table.name if table.name in _NUMBERED else "chunks"
        last = _last_key(connection, name)
    for start in range(0, last + 1, _BLOCK):
        yield _range(database, table, start, start + _BLOCK - 1)


def _range(database: Database, table: sa.Table, first: int, last: int) -> list[dict[str, Any]]:
    key = _key_of(table)
    try:
        with database.read() as connection:
            return _dicts(connection, sa.select(table).where(key.between(first, last)))
    except Corrupt:
        if first == last:
            return []
    middle = (first + last) // 2
    return [
        *_range(database, table, first, middle),
        *_range(database, table, middle + 1, last),
    ]


def _key_of(table: sa.Table) -> sa.Column[Any]:
    return next(iter(table.primary_key))


def _dicts(connection: sa.Connection, statement: sa.Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(statement).mappings()]


def _write(into: sqlite3.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    names = [column.name for column in table.c]
    marks = ", ".join(f":{name}" for name in names)
    into.executemany(
        f"INSERT OR IGNORE INTO {table.name} ({', '.join(names)}) VALUES ({marks})",  # noqa: S608
        rows,
    )


def _rows_of(
    source: sqlite3.Connection, table: sa.Table, offsets: Mapping[str, int]
) -> Iterator[list[dict[str, Any]]]:
    names = [column.name for column in table.c]
    cursor = source.execute(f"SELECT {', '.join(names)} FROM {table.name}")  # noqa: S608
    while rows := cursor.fetchmany(_BLOCK):
        yield [_moved(dict(row), table, offsets) for row in rows]


def _moved(row: dict[str, Any], table: sa.Table, offsets: Mapping[str, int]) -> dict[str, Any]:
    """Return the row with its keys moved behind those that were ever in use."""
    if table.name in offsets:
        row["key"] += offsets[table.name]
    for column, referred in _REFERENCES.items():
        if column in row:
            row[column] += offsets[referred]
    return row


def _last_key(connection: sa.Connection, table: str) -> int:
    """Return a key that is not below any that was ever in use."""
    sequence = connection.scalar(sa.text(f"SELECT pg_get_serial_sequence('{table}', 'key')"))
    return int(connection.scalar(sa.text(f"SELECT last_value FROM {sequence}")) or 0)  # noqa: S608


def _continue_after(connection: sa.Connection, table: str) -> None:
    """Let the next keys be above all of the table."""
    connection.execute(
        sa.text(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'key'), greatest("  # noqa: S608
            f"(SELECT max(key) FROM {table}),"
            f" nextval(pg_get_serial_sequence('{table}', 'key'))))"
        )
    )
