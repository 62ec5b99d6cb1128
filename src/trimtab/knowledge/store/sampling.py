"""Queries for comparing the searches of two databases, from the passages themselves."""

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.infra.storage.transfer import plan_tables, read_rows
from trimtab.knowledge.store.database import SEALED, seal
from trimtab.knowledge.store.postgres_words import add_words
from trimtab.knowledge.store.tables import chunks, projects

_WORDS = 8
_BLOCK = 1_000


def sample_queries(database: Database, count: int) -> Mapping[str, list[str]]:
    """Return the first words of up to `count` passages of each project, evenly spread."""
    found: dict[str, list[str]] = {}
    with database.read() as connection:
        for key, name in connection.execute(
            sa.select(projects.c.key, projects.c.name).order_by(projects.c.name)
        ):
            mine = chunks.c.project_key == key
            keys = list(
                connection.scalars(sa.select(chunks.c.key).where(mine).order_by(chunks.c.key))
            )
            chosen = keys[:: max(1, len(keys) // count)][:count]
            texts = connection.scalars(
                sa.select(chunks.c.text).where(chunks.c.key.in_(chosen)).order_by(chunks.c.key)
            )
            found[name] = [" ".join(text.split()[:_WORDS])[:200] for text in texts]
    return found


def index_words(database: Database, progress: Callable[[int], None]) -> int:
    """Write the terms of all passages for PostgreSQL's full-text search; return their number."""
    done, last = 0, 0
    columns = (chunks.c.key, chunks.c.id, chunks.c.heading, chunks.c.text)
    with database.write() as connection:
        while True:
            query = sa.select(*columns).where(chunks.c.key > last).order_by(chunks.c.key)
            rows = connection.execute(query.limit(_BLOCK)).mappings().all()
            if not rows:
                return done
            add_words(connection, map(dict, rows))
            done, last = done + len(rows), rows[-1]["key"]
            progress(done)


def passage_counts(database: Database) -> Mapping[str, int]:
    """Return the number of passages of each project."""
    query = (
        sa.select(projects.c.name, sa.func.count(chunks.c.key))
        .join(chunks, chunks.c.project_key == projects.c.key)
        .group_by(projects.c.name)
    )
    with database.read() as connection:
        return {name: int(number) for name, number in connection.execute(query)}


def count_seals(sqlite: Database, database: Database) -> tuple[int, int]:
    """Return how many rows of a database have a seal, and how many seals are wrong.

    Args:
        sqlite: Has the same schema, on SQLite.
        database: On either engine.
    """
    with sqlite.read() as connection:
        tables = [table for table in plan_tables(connection) if table.name in SEALED]
    checked = wrong = 0
    with database.read() as connection:
        for table in tables:
            for row in read_rows(connection, table):
                values = dict(zip(table.names, row, strict=True))
                checked += 1
                covered = (values[name] for name in SEALED[table.name])
                wrong += values["seal"] != seal(*covered)
    return checked, wrong
