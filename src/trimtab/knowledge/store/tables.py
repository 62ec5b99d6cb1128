"""The tables as queries see them; their schema is made by the ``knowledge`` migrations."""

import sqlalchemy as sa

_meta = sa.MetaData()

projects = sa.Table(
    "projects",
    _meta,
    sa.Column("key", sa.Integer, primary_key=True),
    sa.Column("id", sa.String),
    sa.Column("name", sa.String),
    sa.Column("created_at", sa.String),
    sa.Column("index_version", sa.Integer),
    sa.Column("engine", sa.String),
    sa.Column("embedder", sa.String),
    sa.Column("seal", sa.Integer),
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
    sa.Column("key", sa.Integer, primary_key=True),
    sa.Column("id", sa.String),
    sa.Column("project_key", sa.Integer),
    sa.Column("name", sa.String),
    sa.Column("title", sa.String),
    sa.Column("media_type", sa.String),
    sa.Column("source_hash", sa.String),
    sa.Column("size_bytes", sa.Integer),
    sa.Column("characters", sa.Integer),
    sa.Column("state", sa.String),
    sa.Column("attempts", sa.Integer),
    sa.Column("last_error", sa.String),
    sa.Column("version", sa.Integer),
    sa.Column("created_at", sa.String),
    sa.Column("updated_at", sa.String),
    sa.Column("seal", sa.Integer),
)

chunks = sa.Table(
    "chunks",
    _meta,
    sa.Column("key", sa.Integer, primary_key=True),
    sa.Column("id", sa.String),
    sa.Column("project_key", sa.Integer),
    sa.Column("document_key", sa.Integer),
    sa.Column("ordinal", sa.Integer),
    sa.Column("start_offset", sa.Integer),
    sa.Column("end_offset", sa.Integer),
    sa.Column("page", sa.Integer),
    sa.Column("heading", sa.String),
    sa.Column("text", sa.String),
    sa.Column("seal", sa.Integer),
)

vectors = sa.Table(
    "vectors",
    _meta,
    sa.Column("chunk_key", sa.Integer, primary_key=True),
    sa.Column("model", sa.String),
    sa.Column("vector", sa.LargeBinary),
    sa.Column("seal", sa.Integer),
)

new_vectors = sa.Table(
    "new_vectors",
    _meta,
    sa.Column("chunk_key", sa.Integer, primary_key=True),
    sa.Column("model", sa.String),
    sa.Column("vector", sa.LargeBinary),
    sa.Column("seal", sa.Integer),
)

metadata = sa.Table(
    "metadata",
    _meta,
    sa.Column("document_key", sa.Integer, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.String, primary_key=True),
    sa.Column("seal", sa.Integer),
)

deletions = sa.Table(
    "deletions",
    _meta,
    sa.Column("document_id", sa.String, primary_key=True),
    sa.Column("project_id", sa.String),
    sa.Column("deleted_at", sa.String),
    sa.Column("seal", sa.Integer),
)

frequent_queries = sa.Table(
    "frequent_queries",
    _meta,
    sa.Column("project_key", sa.Integer, primary_key=True),
    sa.Column("query", sa.String, primary_key=True),
    sa.Column("asked", sa.Integer),
)

tuning = sa.Table(
    "tuning",
    _meta,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.Integer),
    sa.Column("seal", sa.Integer),
)
