"""Reads the rows of a table in the order of its key, in one form on both engines."""

import hashlib
import math
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from trimtab.infra.storage.transfer.plan import Column, StoredKind, Table

_BATCH = 1_000
MAX_PROBLEMS = 20
"""Values that are named when they do not fit; the rest are counted."""

Transform = Callable[[str], str]
"""Changes a text before it is compared and copied."""
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value that the target cannot hold."""

    table: str
    key: Row
    column: str
    reason: str

    def __str__(self) -> str:
        return f"{self.table} {list(self.key)!r}, {self.column}: {self.reason}"


@dataclass(slots=True)
class TableDigest:
    """Rows of a table and the SHA-256 over all of them.

    Attributes:
        table: Its name.
        rows: How many.
        sha256: Over every value with its type and length, in the order of the key.
        misfits: Values that do not fit, at most `MAX_PROBLEMS`.
        misfit_count: How many there are.
        changed: Texts that the transform changed.
    """

    table: str
    rows: int = 0
    sha256: str = ""
    misfits: list[Misfit] = field(default_factory=list)
    misfit_count: int = 0
    changed: int = 0


def read_rows(connection: sa.Connection, table: Table) -> Iterator[Row]:
    """Yield the rows of a table in the order of its key, without holding them all."""
    is_sqlite = connection.dialect.name == "sqlite"
    texts = {column.name for column in table.columns if column.kind is StoredKind.TEXT}
    # Bytes order texts on SQLite; other collations order them differently.
    order = ", ".join(
        f'"{name}" COLLATE "C"' if name in texts and not is_sqlite else f'"{name}"'
        for name in table.key
    )
    columns = ", ".join(f'"{name}"' for name in table.names)
    query = f'SELECT {columns} FROM "{table.name}" ORDER BY {order}'  # noqa: S608 - of the schema.
    # Rows in parts: PostgreSQL would send the whole table at once.
    streaming = connection.execution_options(stream_results=True)
    with streaming.exec_driver_sql(query) as found:
        for rows in found.partitions(_BATCH):
            for row in rows:
                yield tuple(row)


def digest_of(
    connection: sa.Connection,
    table: Table,
    transform: Transform | None = None,
    *,
    target: str = "",
    progress: Callable[[int], None] | None = None,
) -> TableDigest:
    """Return the number of rows and the SHA-256 of a table, and what does not fit the target.

    Args:
        connection: To either engine.
        table: The table.
        transform: Applied to every text first.
        target: Dialect that must be able to hold the rows; empty for no check.
        progress: Called with the number of rows, about every thousand.
    """
    result, sha = TableDigest(table.name), hashlib.sha256()
    for row in read_rows(connection, table):
        for column, value in zip(table.columns, row, strict=True):
            given = value
            if transform is not None and isinstance(value, str):
                given = transform(value)
                result.changed += given != value
            if reason := _misfit(column, given, target):
                _note(result, table, row, column, reason)
            sha.update(_canonical(column, given))
        result.rows += 1
        if progress is not None and result.rows % _BATCH == 0:
            progress(result.rows)
    result.sha256 = sha.hexdigest()
    return result


def _note(result: TableDigest, table: Table, row: Row, column: Column, reason: str) -> None:
    result.misfit_count += 1
    if len(result.misfits) < MAX_PROBLEMS:
        key = tuple(row[table.names.index(name)] for name in table.key)
        result.misfits.append(Misfit(table.name, key, column.name, reason))


_TYPES: Mapping[StoredKind, tuple[type, ...]] = {
    StoredKind.TEXT: (str,),
    StoredKind.BYTES: (bytes, memoryview),
    StoredKind.REAL: (int, float),
    StoredKind.BOOLEAN: (int,),
    StoredKind.INTEGER: (int,),
}


def _misfit(column: Column, value: Any, target: str) -> str:
    """Return why the target cannot hold a value; empty when it can."""
    if value is None or not target:
        return ""
    if not isinstance(value, _TYPES[column.kind]):
        return f"{column.kind} is expected, {type(value).__name__} is stored"
    if isinstance(value, str) and target == "postgresql" and "\0" in value:
        return "the text has a NUL character"
    if isinstance(value, float) and target == "sqlite" and math.isnan(value):
        return "SQLite has no NaN"
    if column.kind is StoredKind.BOOLEAN and value not in {0, 1}:
        return f"{value} is neither true nor false"
    return ""


def _canonical(column: Column, value: object) -> bytes:
    """Return a value with its kind and length, equal on both engines."""
    if value is None:
        return b"n"
    if isinstance(value, str):
        data, mark = value.encode("utf-8", "surrogatepass"), b"t"
    elif isinstance(value, bytes | memoryview):
        data, mark = bytes(value), b"b"
    elif column.kind is StoredKind.REAL and isinstance(value, int | float):
        # Adding zero makes -0.0 and 0.0 equal: SQLite keeps no sign of a zero.
        data, mark = struct.pack(">d", float(value) + 0.0), b"r"
    else:
        data, mark = str(int(value) if isinstance(value, bool) else value).encode(), b"i"
    return mark + len(data).to_bytes(8, "big") + data
