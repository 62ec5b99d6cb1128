"""Statements that SQLite and PostgreSQL write differently, for stores that run on both."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

Insert = sqlite.Insert | postgresql.Insert


def insert(connection: sa.Connection, table: sa.Table) -> Insert:
    """Return the engine's ``INSERT``, which has ``on_conflict_do_nothing`` and ``_do_update``."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def insert_or_ignore(connection: sa.Connection, table: sa.Table) -> Insert:
    """Return an ``INSERT`` that leaves an existing row with an equal key as it is."""
    return insert(connection, table).on_conflict_do_nothing()


def insert_or_replace(
    connection: sa.Connection,
    table: sa.Table,
    columns: Sequence[str],
    key: Sequence[str] = (),
) -> Insert:
    """Return an ``INSERT`` of some columns that overwrites them in a row with an equal key.

    Args:
        connection: Of the statement.
        table: What to write to.
        columns: The columns of the rows.
        key: The columns of a unique constraint; by default the primary key.
    """
    found = tuple(key) or tuple(column.name for column in table.primary_key)
    statement = insert(connection, table)
    changed = {name: statement.excluded[name] for name in columns if name not in found}
    if not changed:
        return statement.on_conflict_do_nothing(index_elements=found)
    return statement.on_conflict_do_update(index_elements=found, set_=changed)


def replace_row(connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> None:
    """Write a whole row over the one with an equal primary key, if there is one."""
    connection.execute(insert_or_replace(connection, table, tuple(row)).values(**row))


def greatest(first: sa.ColumnElement[Any], second: Any) -> sa.ColumnElement[Any]:
    """Return the larger of two values of a row, neither of which is null."""
    return sa.case((first >= second, first), else_=second)


def count_true(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    """Return how many rows meet a condition; 0 without rows."""
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)
