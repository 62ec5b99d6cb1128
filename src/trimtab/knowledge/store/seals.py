"""A checksum in every row, which detects changed bytes inside values.

SQLite notices a damaged page structure only. A seal is the CRC-32 of a row's values, each with its
type and length. It is written with the row and checked whenever the row is read, and for all rows
by `integrity_of`. It guards against bit rot, not against malice.
"""

import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from trimtab.knowledge.errors import DatabaseDamaged

SEALED: Mapping[str, tuple[str, ...]] = {
    "projects": ("id", "name", "created_at", "engine"),
    "documents": (
        "id",
        "name",
        "title",
        "media_type",
        "source_hash",
        "size_bytes",
        "characters",
        "state",
        "attempts",
        "last_error",
        "version",
        "created_at",
        "updated_at",
    ),
    "chunks": ("id", "ordinal", "start_offset", "end_offset", "page", "heading", "text"),
    "vectors": ("model", "vector"),
    "metadata": ("name", "value"),
    "deletions": ("document_id", "project_id", "deleted_at"),
    "tuning": ("name", "value"),
}
"""What each table's seal covers. Keys are left out: a merge of two files gives rows new ones."""

_Row = TypeVar("_Row")


def seal(*values: object) -> int:
    """Return the checksum of the values, 0 to 2**32 - 1."""
    parts: list[bytes] = []
    for value in values:
        data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        parts += (f"{type(value).__name__[0]}{len(data)}:".encode(), data)
    return zlib.crc32(b"".join(parts))


def sealed(table: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's values together with their seal."""
    # An enum of strings is stored as its text, and must be sealed as what will be read.
    plain = [str(v) if isinstance(v := values[name], str) else v for name in SEALED[table]]
    return {**values, "seal": seal(*plain)}


def intact(table: str, row: _Row) -> _Row:
    """Return the row if its values are those that were written.

    Raises:
        DatabaseDamaged: They are not.
    """
    values: Any = row
    if values.seal != seal(*(getattr(values, name) for name in SEALED[table])):
        raise DatabaseDamaged(
            f"A row of {table} in the knowledge database is not as it was written."
        )
    return row


def broken_rows(connection: sqlite3.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    """Yield the keys of rows with a wrong seal; nothing for a schema without seals."""
    described = connection.execute(f"PRAGMA table_info({table})").fetchall()
    if "seal" not in {row[1] for row in described}:
        return
    keys = [row[1] for row in sorted(described, key=lambda row: row[5]) if row[5]]
    columns = ", ".join((*keys, "seal", *SEALED[table]))
    with LenientDecoding(connection):
        for row in connection.execute(f"SELECT {columns} FROM {table}"):  # noqa: S608
            if row[len(keys)] != seal(*row[len(keys) + 1 :]):
                yield row[: len(keys)]


class LenientDecoding:
    """Lets a connection read invalid UTF-8, which a changed byte can cause."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._former: Callable[[bytes], Any] = connection.text_factory

    def __enter__(self) -> None:
        self._connection.text_factory = lambda raw: raw.decode("utf-8", "replace")

    def __exit__(self, *_: object) -> None:
        self._connection.text_factory = self._former
