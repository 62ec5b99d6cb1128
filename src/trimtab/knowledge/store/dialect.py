"""Statements of knowledge that SQLite and PostgreSQL write differently."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from trimtab.infra.storage.dialect import insert

POSTGRESQL = "postgresql"


def is_postgresql(connection: sa.Connection) -> bool:
    """Return whether the connection leads to PostgreSQL."""
    return connection.dialect.name == POSTGRESQL


def insert_or_replace(connection: sa.Connection, table: sa.Table) -> sa.Insert:
    """Return an ``INSERT`` of whole rows that overwrites rows with an equal primary key."""
    statement, key = insert(connection, table), list(table.primary_key)
    changed = {each.name: statement.excluded[each.name] for each in table.c if each not in key}
    return statement.on_conflict_do_update(index_elements=key, set_=changed)


def insert_or_add(connection: sa.Connection, table: sa.Table, counter: sa.Column[int]) -> sa.Insert:
    """Return an ``INSERT`` that adds to the counter of a row with an equal primary key."""
    statement = insert(connection, table)
    total = {counter.name: counter + statement.excluded[counter.name]}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=total)


def overwrite_deleted(connection: sa.Connection) -> None:
    """Let this transaction overwrite what it deletes, where the engine can do that.

    PostgreSQL cannot: VACUUM removes deleted rows from its tables later.
    """
    if not is_postgresql(connection):
        connection.exec_driver_sql("PRAGMA secure_delete=ON")


class json_list(FunctionElement[str]):  # noqa: N801 - reads as a function of SQL.
    """Aggregates the values of a column into a JSON list, as text; ``[]`` without rows."""

    type = sa.String()
    inherit_cache = True
    name = "json_list"


@compiles(json_list)
def _json_list(element: json_list, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_group_array({compiler.process(element.clauses, **options)})"


@compiles(json_list, POSTGRESQL)
def _json_list_on_postgresql(element: json_list, compiler: SQLCompiler, **options: Any) -> str:
    return f"coalesce(json_agg({compiler.process(element.clauses, **options)})::text, '[]')"
