"""The tables to copy, in the order of their foreign keys, with the types of their columns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from graphlib import TopologicalSorter

import sqlalchemy as sa

from trimtab.kernel.errors import Corrupt


class StoredKind(StrEnum):
    """Type of a column, on both engines."""

    INTEGER = "integer"
    REAL = "real"
    BOOLEAN = "boolean"
    TEXT = "text"
    BYTES = "bytes"


_DECLARED: Mapping[str, StoredKind] = {
    "INTEGER": StoredKind.INTEGER,
    "BIGINT": StoredKind.INTEGER,
    "FLOAT": StoredKind.REAL,
    "BOOLEAN": StoredKind.BOOLEAN,
    "TEXT": StoredKind.TEXT,
    "VARCHAR": StoredKind.TEXT,
    "BLOB": StoredKind.BYTES,
}
"""The types that the schemas declare on SQLite, which does not enforce them."""
_KINDS: Mapping[str, StoredKind] = {
    "int2": StoredKind.INTEGER,
    "int4": StoredKind.INTEGER,
    "int8": StoredKind.INTEGER,
    "float4": StoredKind.REAL,
    "float8": StoredKind.REAL,
    "bool": StoredKind.BOOLEAN,
    "text": StoredKind.TEXT,
    "varchar": StoredKind.TEXT,
    "bytea": StoredKind.BYTES,
}
"""The types of PostgreSQL that the schemas use."""

_COLUMNS = sa.text(
    "SELECT a.attname, t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
    " WHERE a.attrelid = to_regclass(quote_ident(:table)) AND a.attnum > 0"
    " AND NOT a.attisdropped AND a.attgenerated = ''"
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    kind: StoredKind


@dataclass(frozen=True, slots=True)
class Table:
    """A table that both engines have.

    Attributes:
        name: The same on both.
        columns: In the order of SQLite's schema.
        key: The columns that order its rows: the primary key, else all columns.
        sequence: The column that numbers new rows on PostgreSQL; empty for none.
        never_reuses: SQLite keeps the largest number that the column ever had.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    sequence: str = ""
    never_reuses: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return tuple(column.name for column in self.columns)


def plan_tables(
    sqlite: sa.Connection, leave_out: Iterable[str] = (), postgresql: sa.Connection | None = None
) -> list[Table]:
    """Return the tables of SQLite, each after those it refers to.

    Args:
        sqlite: Its tables are copied, or filled.
        leave_out: Names of tables that are not copied.
        postgresql: Must have every column with the same type; knows which columns are numbered.

    Raises:
        Corrupt: A column is missing in PostgreSQL, or has another type there.
    """
    listed = sqlite.exec_driver_sql("PRAGMA main.table_list").mappings()
    left_out = set(leave_out)
    names = [
        row["name"]
        for row in listed
        if row["type"] == "table"
        and not row["name"].startswith(("sqlite_", "schema_"))
        and row["name"] not in left_out
    ]
    refers = {
        name: {row["table"] for row in _pragma(sqlite, "foreign_key_list", name)} - {name}
        for name in sorted(names)
    }
    return [_table(sqlite, postgresql, name) for name in TopologicalSorter(refers).static_order()]


def _table(sqlite: sa.Connection, postgresql: sa.Connection | None, name: str) -> Table:
    described = list(_pragma(sqlite, "table_info", name))
    columns = [
        Column(row["name"], _DECLARED[row["type"].partition("(")[0].upper()]) for row in described
    ]
    if postgresql is not None:
        _compare(postgresql, name, columns)
    key = tuple(r["name"] for r in sorted(described, key=lambda r: r["pk"]) if r["pk"])
    made = sqlite.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)
    ).scalar_one()
    return Table(
        name,
        tuple(columns),
        key or tuple(column.name for column in columns),
        _sequence(postgresql, name, key) if postgresql is not None else "",
        never_reuses="AUTOINCREMENT" in str(made).upper(),
    )


def _compare(postgresql: sa.Connection, table: str, columns: Iterable[Column]) -> None:
    """Refuse a table that is another one on PostgreSQL."""
    types = {row[0]: row[1] for row in postgresql.execute(_COLUMNS, {"table": table})}
    for column in columns:
        if _KINDS.get(types.get(column.name, "")) is not column.kind:
            raise Corrupt(
                f"Column {column.name} of table {table} is not in the schema of PostgreSQL as it is"
                " in that of SQLite.",
                hint="Both must have the schema of this release; report this with the release.",
            )


def _sequence(postgresql: sa.Connection, table: str, key: tuple[str, ...]) -> str:
    """Return the column of the key that a sequence numbers; empty for none."""
    query = sa.text("SELECT pg_get_serial_sequence(quote_ident(:table), :column)")
    for column in key:
        if postgresql.scalar(query, {"table": table, "column": column}):
            return column
    return ""


def _pragma(connection: sa.Connection, pragma: str, table: str) -> Iterable[sa.RowMapping]:
    # The name comes from the schema itself; a pragma takes no parameters.
    return connection.exec_driver_sql(f'PRAGMA main.{pragma}("{table}")').mappings().all()
