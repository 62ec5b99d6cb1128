"""Is the knowledge on PostgreSQL sound? Checks the seals of all rows, and repairs derived rows."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.kernel.errors import Corrupt
from trimtab.knowledge.records import DocumentState
from trimtab.knowledge.store.database import SEALED, seal
from trimtab.knowledge.store.integrity import Integrity, describe_broken_row, judge
from trimtab.knowledge.store.postgres_words import add_words
from trimtab.knowledge.store.tables import chunks, documents, sealed_tables, vectors
from trimtab.knowledge.store.writing import set_state

_BLOCK = 2000
_MOST = 100
_MADE = ("vectors", "new_vectors", "deletions", "tuning")
"""Tables whose broken rows are made again or kept elsewhere too."""
_LOST_WORDS = sa.text(
    "SELECT count(*) FROM chunks LEFT JOIN chunk_words ON chunk_key = key WHERE chunk_key IS NULL"
)
_FAILURES = sa.text(
    "SELECT coalesce(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database()"
)


def integrity_of_tables(database: Database) -> Integrity:
    """Check the seal of every row, and that every passage is in the full-text index.

    References are kept by PostgreSQL itself, and so are the checksums of its pages: a page that
    does not match cannot be read, which is damage of a table here.
    """
    problems: list[str] = []
    for name, table in sealed_tables().items():
        try:
            problems += [
                describe_broken_row(name, key[0])
                for key in islice(_broken_rows(database, table), _MOST)
            ]
        except Corrupt as error:
            problems.append(f"{name}: {error.message}")
    if not problems:
        with database.read() as connection:
            lost = int(connection.scalar(_LOST_WORDS) or 0)
        problems += [f"full-text index: {lost} passages are missing"] if lost else []
    return judge(problems)


def checksum_failures(database: Database) -> int:
    """Return how many damaged pages PostgreSQL has met in this database; 0 without checksums."""
    with database.read() as connection:
        return int(connection.scalar(_FAILURES) or 0)


def rebuild_derived(database: Database) -> None:
    """Drop derived rows with a wrong seal, queue what lacks a vector, and index all words again."""
    tables = sealed_tables()
    broken = {name: list(_broken_rows(database, tables[name])) for name in _MADE}
    with database.write() as connection:
        for name, keys in broken.items():
            column = next(iter(tables[name].primary_key))
            for key in keys:
                connection.execute(sa.delete(tables[name]).where(column == key[0]))
        if any(broken.values()):
            _queue_the_vectorless(connection)
        connection.execute(sa.text("DELETE FROM chunk_words"))
        for rows in _pages(connection, chunks):
            add_words(connection, (row._asdict() for row in rows))


def _queue_the_vectorless(connection: sa.Connection) -> None:
    without = (
        sa.select(chunks.c.document_key)
        .outerjoin_from(chunks, vectors, vectors.c.chunk_key == chunks.c.key)
        .where(vectors.c.chunk_key.is_(None))
    )
    waiting = sa.select(documents.c.key).where(
        documents.c.state == DocumentState.READY, documents.c.key.in_(without)
    )
    for key in [*connection.scalars(waiting)]:
        set_state(connection, key, DocumentState.QUEUED, attempts=0, error="")


def _broken_rows(database: Database, table: sa.Table) -> Iterator[tuple[Any, ...]]:
    """Yield the primary keys of rows with a wrong seal."""
    covered, keys = SEALED[table.name], [column.name for column in table.primary_key]
    with database.read() as connection:
        for rows in _pages(connection, table):
            for row in rows:
                if row.seal != seal(*(getattr(row, name) for name in covered)):
                    yield tuple(getattr(row, name) for name in keys)


def _pages(connection: sa.Connection, table: sa.Table) -> Iterator[list[sa.Row[Any]]]:
    """Yield the rows of a table in the order of its primary key."""
    keys, last = list(table.primary_key), None
    while True:
        statement = sa.select(table).order_by(*keys).limit(_BLOCK)
        if last is not None:
            statement = statement.where(sa.tuple_(*keys) > sa.tuple_(*last))
        rows = list(connection.execute(statement))
        if not rows:
            return
        yield rows
        last = [getattr(rows[-1], key.name) for key in keys]
