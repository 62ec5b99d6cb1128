"""Which embedder makes each project's vectors, and the vectors of a change to another one."""

import zlib

import sqlalchemy as sa
from alembic import op

revision = "knowledge_0005"
down_revision = "knowledge_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    on_postgresql = connection.dialect.name == "postgresql"
    text, integer, blob = (
        ('TEXT COLLATE "C"', "BIGINT", "BYTEA") if on_postgresql else ("TEXT", "INTEGER", "BLOB")
    )
    op.execute(f"ALTER TABLE projects ADD COLUMN embedder {text} NOT NULL DEFAULT 'standard'")
    # Vectors of another embedder, until a project has all of them: only then they replace the others.
    op.execute(
        f"CREATE TABLE new_vectors (chunk_key {integer} PRIMARY KEY REFERENCES chunks(key) ON DELETE CASCADE,"
        f" model {text} NOT NULL, vector {blob} NOT NULL, seal {integer} NOT NULL)"
    )
    rows = connection.execute(
        sa.text("SELECT key, id, name, created_at, engine, embedder, seal FROM projects")
    ).all()
    for row in rows:
        # A row that was damaged before keeps a seal that does not fit.
        if row.seal == _seal(row.id, row.name, row.created_at, row.engine):
            fresh = _seal(row.id, row.name, row.created_at, row.engine, row.embedder)
            connection.execute(
                sa.text("UPDATE projects SET seal = :seal WHERE key = :key"),
                {"seal": fresh, "key": row.key},
            )


def _seal(*values: str) -> int:
    crc = 0
    for value in values:
        data = value.encode("utf-8", "surrogatepass")
        crc = zlib.crc32(f"{type(value).__name__[0]}{len(data)}:".encode(), crc)
        crc = zlib.crc32(data, crc)
    return crc
