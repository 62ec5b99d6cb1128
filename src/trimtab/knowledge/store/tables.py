"""The tables as queries see them; their schema is made by the ``knowledge`` migrations."""

import sqlalchemy as sa

_meta = sa.MetaData()

projects = sa.Table(
    "projects",
    _meta,
    sa.Column("key", sa.BigInteger, primary_key=True),
    sa.Column("id", sa.String),
    sa.Column("name", sa.String),
    sa.Column("created_at", sa.String),
    sa.Column("index_version", sa.BigInteger),
    sa.Column("engine", sa.String),
    sa.Column("embedder", sa.String),
    sa.Column("seal", sa.BigInteger),
)

engine_spaces = sa.Table(
    "engine_spaces",
    _meta,
    sa.Column("engine", sa.String, primary_key=True),
    sa.Column("space", sa.String, primary_key=True),
)

documents = sa.Table(
    "documents",
    _meta,
    sa.Column("key", sa.BigInteger, primary_key=True),
    sa.Column("id", sa.String),
    sa.Column("project_key", sa.BigInteger),
    sa.Column("name", sa.String),
    sa.Column("title", sa.String),
    sa.Column("media_type", sa.String),
    sa.Column("source_hash", sa.String),
    sa.Column("size_bytes", sa.BigInteger),
    sa.Column("characters", sa.BigInteger),
    sa.Column("state", sa.String),
    sa.Column("attempts", sa.BigInteger),
    sa.Column("last_error", sa.String),
    sa.Column("version", sa.BigInteger),
    sa.Column("created_at", sa.String),
    sa.Column("updated_at", sa.String),
    sa.Column("seal", sa.BigInteger),
)

chunks = sa.Table(
    "chunks",
    _meta,
    sa.Column("key", sa.BigInteger, primary_key=True),
    sa.Column("id", sa.String),
    sa.Column("project_key", sa.BigInteger),
    sa.Column("document_key", sa.BigInteger),
    sa.Column("ordinal", sa.BigInteger),
    sa.Column("start_offset", sa.BigInteger),
    sa.Column("end_offset", sa.BigInteger),
    sa.Column("page", sa.BigInteger),
    sa.Column("heading", sa.String),
    sa.Column("text", sa.String),
    sa.Column("seal", sa.BigInteger),
)

vectors = sa.Table(
    "vectors",
    _meta,
    sa.Column("chunk_key", sa.BigInteger, primary_key=True),
    sa.Column("model", sa.String),
    sa.Column("vector", sa.LargeBinary),
    sa.Column("seal", sa.BigInteger),
)

new_vectors = sa.Table(
    "new_vectors",
    _meta,
    sa.Column("chunk_key", sa.BigInteger, primary_key=True),
    sa.Column("model", sa.String),
    sa.Column("vector", sa.LargeBinary),
    sa.Column("seal", sa.BigInteger),
)

metadata = sa.Table(
    "metadata",
    _meta,
    sa.Column("document_key", sa.BigInteger, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.String, primary_key=True),
    sa.Column("seal", sa.BigInteger),
)

deletions = sa.Table(
    "deletions",
    _meta,
    sa.Column("document_id", sa.String, primary_key=True),
    sa.Column("project_id", sa.String),
    sa.Column("deleted_at", sa.String),
    sa.Column("seal", sa.BigInteger),
)

frequent_queries = sa.Table(
    "frequent_queries",
    _meta,
    sa.Column("project_key", sa.BigInteger, primary_key=True),
    sa.Column("query", sa.String, primary_key=True),
    sa.Column("asked", sa.BigInteger),
)

tuning = sa.Table(
    "tuning",
    _meta,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.BigInteger),
    sa.Column("seal", sa.BigInteger),
)


def sealed_tables() -> dict[str, sa.Table]:
    """Return the tables whose rows carry a seal, by name."""
    return {name: table for name, table in _meta.tables.items() if "seal" in table.c}
