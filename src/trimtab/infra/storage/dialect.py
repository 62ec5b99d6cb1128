"""Statements that SQLite and PostgreSQL write differently, for stores that run on both."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

Insert = sqlite.Insert | postgresql.Insert


def insert(connection: sa.Connection, table: sa.TableClause) -> Insert:
    """Return the engine's ``INSERT``, which has ``on_conflict_do_nothing`` and ``_do_update``."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def insert_or_ignore(connection: sa.Connection, table: sa.TableClause) -> Insert:
    """Return an ``INSERT`` that leaves an existing row with an equal key as it is.

    The result's ``rowcount`` is the number of new rows.
    """
    ignoring = insert(connection, table).on_conflict_do_nothing()
    return ignoring.execution_options(preserve_rowcount=True)


def insert_or_replace(
    connection: sa.Connection,
    table: sa.TableClause,
    columns: Sequence[str],
    key: Sequence[str] = (),
) -> Insert:
    """Return an ``INSERT`` that overwrites the given columns of a row with an equal key.

    Args:
        connection: Of the statement.
        table: What to write to.
        columns: The columns of the rows; others of an existing row stay as they are.
        key: The columns of a unique constraint; by default the primary key that the table declares.
    """
    key = tuple(key) or tuple(column.name for column in table.primary_key)
    statement = insert(connection, table)
    changed = {name: statement.excluded[name] for name in columns if name not in key}
    return statement.on_conflict_do_update(index_elements=list(key), set_=changed)


def replace_row(
    connection: sa.Connection,
    table: sa.TableClause,
    row: Mapping[str, Any],
    key: Sequence[str] = (),
) -> None:
    """Write a row over the one with an equal key, if there is one."""
    statement = insert_or_replace(connection, table, tuple(row), key)
    connection.execute(statement.values(**row))


def greatest(first: sa.ColumnElement[Any], second: Any) -> sa.ColumnElement[Any]:
    """Return the larger of two values of a row, neither of which is null."""
    return sa.case((first >= second, first), else_=second)


def count_true(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    """Return how many rows meet a condition; 0 without rows."""
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


class by_engine(FunctionElement[Any]):  # noqa: N801 - used as a function of SQL.
    """An expression that each engine writes in its own way.

    Args:
        on_sqlite: The expression of SQLite.
        on_postgresql: That of PostgreSQL.
    """

    inherit_cache = True

    def __init__(
        self, on_sqlite: sa.ColumnElement[Any], on_postgresql: sa.ColumnElement[Any]
    ) -> None:
        super().__init__(on_sqlite, on_postgresql)
        self.type = on_sqlite.type


@compiles(by_engine)
def _compile(element: by_engine, compiler: Any, **options: Any) -> str:
    on_sqlite, on_postgresql = element.clauses
    chosen = on_postgresql if compiler.dialect.name == "postgresql" else on_sqlite
    return str(compiler.process(sa.sql.elements.Grouping(chosen), **options))


def insert_tuples(
    connection: sa.Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert many rows with a statement in text: compiling one may cost more than the insert.

    Args:
        connection: In a write transaction.
        table: Its name; like those of the columns it is a constant of the caller.
        columns: In the order of the values.
        rows: Values of each row.
    """
    mark = "%s" if connection.dialect.name == "postgresql" else "?"
    marks = ", ".join([mark] * len(columns))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
    connection.exec_driver_sql(statement, [tuple(row) for row in rows])


def in_list(
    connection: sa.Connection, column: sa.ColumnElement[Any], texts: Sequence[str]
) -> sa.ColumnElement[bool]:
    """Return whether a column has one of the texts, which are one parameter however many."""
    if connection.dialect.name == "postgresql":
        return column == sa.any_(sa.bindparam(None, list(texts), type_=sa.ARRAY(sa.Text)))
    listed = sa.func.json_each(json.dumps(list(texts))).table_valued("value")
    return column.in_(sa.select(listed.c.value))
