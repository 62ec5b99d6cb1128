"""A checksum in every row, so that a changed byte inside a value is noticed."""

import zlib
from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "knowledge_0003"
down_revision = "knowledge_0002"
branch_labels = None
depends_on = None

# As `seal` of knowledge was when this revision was made: a migration must not change later.
_SEALED = {
    "projects": "id, name, created_at, engine",
    "documents": "id, name, title, media_type, source_hash, size_bytes, characters, state, attempts, last_error,"
    " version, created_at, updated_at",
    "chunks": "id, ordinal, start_offset, end_offset, page, heading, text",
    "vectors": "model, vector",
    "metadata": "name, value",
    "deletions": "document_id, project_id, deleted_at",
    "tuning": "name, value",
}
_KEYS = {
    "vectors": ("chunk_key",),
    "metadata": ("document_key", "name", "value"),
    "deletions": ("document_id",),
    "tuning": ("name",),
}


def upgrade() -> None:
    connection = op.get_bind()
    # Seals are 0 to 2**32 - 1: more than an INTEGER of PostgreSQL holds.
    integer = "BIGINT" if connection.dialect.name == "postgresql" else "INTEGER"
    for table, columns in _SEALED.items():
        op.execute(f"ALTER TABLE {table} ADD COLUMN seal {integer} NOT NULL DEFAULT 0")
        keys = _KEYS.get(table, ("key",))
        rows = connection.execute(sa.text(f"SELECT {', '.join(keys)}, {columns} FROM {table}"))  # noqa: S608 - names are ours.
        which = " AND ".join(f"{key} = :k{number}" for number, key in enumerate(keys))
        update = sa.text(f"UPDATE {table} SET seal = :seal WHERE {which}")  # noqa: S608
        for row in rows.fetchall():
            given = {f"k{number}": row[number] for number in range(len(keys))}
            connection.execute(update, {**given, "seal": _seal(row[len(keys) :])})


def _seal(values: Iterable[object]) -> int:
    crc = 0
    for value in values:
        data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        crc = zlib.crc32(f"{type(value).__name__[0]}{len(data)}:".encode(), crc)
        crc = zlib.crc32(data, crc)
    return crc
