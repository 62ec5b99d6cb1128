"""Writes rows into the other engine."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, cast

import sqlalchemy as sa

from trimtab.infra.storage.transfer.plan import StoredKind, Table
from trimtab.infra.storage.transfer.rows import Row, Transform, read_rows

_BATCH = 1_000


def copy_rows(
    source: sa.Connection,
    target: sa.Connection,
    table: Table,
    transform: Transform | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Copy all rows of a table into an empty one in the target's transaction; return the number."""
    given = _counted(_converted(read_rows(source, table), table, transform), progress)
    if target.dialect.name == "sqlite":
        return _insert(target, table, given)
    return _copy(target, table, given)


def _converted(rows: Iterable[Row], table: Table, transform: Transform | None) -> Iterator[Row]:
    kinds = [column.kind for column in table.columns]
    for row in rows:
        yield tuple(
            _convert(value, kind, transform) for value, kind in zip(row, kinds, strict=True)
        )


def _convert(value: Any, kind: StoredKind, transform: Transform | None) -> Any:
    if value is None:
        return None
    match kind:
        case StoredKind.BOOLEAN:
            return bool(value)
        case StoredKind.REAL:
            return float(value)
        case StoredKind.TEXT:
            return value if transform is None else transform(value)
        case StoredKind.BYTES:
            return bytes(value)
        case StoredKind.INTEGER:
            return value


def _counted(rows: Iterable[Row], progress: Callable[[int], None] | None) -> Iterator[Row]:
    for number, row in enumerate(rows, 1):
        if progress is not None and number % _BATCH == 0:
            progress(number)
        yield row


def _insert(target: sa.Connection, table: Table, rows: Iterator[Row]) -> int:
    columns = ", ".join(f'"{name}"' for name in table.names)
    marks = ", ".join("?" * len(table.names))
    statement = f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks})'  # noqa: S608 - of the schema.
    count = 0
    while batch := list(islice(rows, _BATCH)):
        target.exec_driver_sql(statement, batch)
        count += len(batch)
    return count


def _copy(target: sa.Connection, table: Table, rows: Iterator[Row]) -> int:
    columns = ", ".join(f'"{name}"' for name in table.names)
    # COPY belongs to the driver; SQLAlchemy has no call for it.
    driver = cast("Any", target.connection.driver_connection)
    count = 0
    with (
        driver.cursor() as cursor,
        cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy,
    ):
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def copy_sequences(source: sa.Connection, target: sa.Connection, table: Table) -> int:
    """Let new rows of the target be numbered after every one that the source ever had.

    Returns:
        The next number; 0 when nothing numbers the rows.
    """
    to_sqlite = target.dialect.name == "sqlite"
    sqlite, postgresql = (target, source) if to_sqlite else (source, target)
    column = table.sequence
    if not column:
        return 0
    largest = f'SELECT max("{column}") FROM "{table.name}"'  # noqa: S608 - of the schema.
    following = int(source.exec_driver_sql(largest).scalar() or 0) + 1
    if to_sqlite:
        following = max(following, _next_of_sequence(postgresql, table))
    elif table.never_reuses:
        following = max(following, _last_of_sqlite(sqlite, table) + 1)
    if not to_sqlite:
        move = sa.text("SELECT setval(pg_get_serial_sequence(quote_ident(:t), :c), :n, false)")
        target.execute(move, {"t": table.name, "c": column, "n": following})
    elif table.never_reuses:
        _set_last_of_sqlite(target, table, following - 1)
    return following


def _next_of_sequence(postgresql: sa.Connection, table: Table) -> int:
    name = postgresql.scalar(
        sa.text("SELECT pg_get_serial_sequence(quote_ident(:t), :c)"),
        {"t": table.name, "c": table.sequence},
    )
    last, called = postgresql.exec_driver_sql(f"SELECT last_value, is_called FROM {name}").one()  # noqa: S608 - quoted by the server.
    return int(last) + int(called)


def _last_of_sqlite(sqlite: sa.Connection, table: Table) -> int:
    query = "SELECT seq FROM sqlite_sequence WHERE name = ?"
    return int(sqlite.exec_driver_sql(query, (table.name,)).scalar() or 0)


def _set_last_of_sqlite(sqlite: sa.Connection, table: Table, last: int) -> None:
    update = "UPDATE sqlite_sequence SET seq = ? WHERE name = ?"
    if sqlite.exec_driver_sql(update, (last, table.name)).rowcount == 0:
        insert = "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)"
        sqlite.exec_driver_sql(insert, (table.name, last))
