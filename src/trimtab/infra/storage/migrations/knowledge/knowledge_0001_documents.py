"""Projects, documents, their passages with vectors and full-text index, and the record of deletions."""

from alembic import op

revision = "knowledge_0001"
down_revision = None
branch_labels = None
depends_on = None

# Keys are AUTOINCREMENT: a key that was deleted never comes back as something else, so an index that still holds it
# can only miss, never answer wrongly.
_TABLES = (
    """
    CREATE TABLE projects (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL UNIQUE,
        created_at TEXT NOT NULL,
        index_version INTEGER NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE TABLE documents (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        project_key INTEGER NOT NULL REFERENCES projects(key) ON DELETE CASCADE,
        name TEXT NOT NULL,
        title TEXT NOT NULL,
        media_type TEXT NOT NULL,
        source_hash TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        characters INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('ready', 'queued', 'dead')),
        attempts INTEGER NOT NULL DEFAULT 0,
        last_error TEXT NOT NULL DEFAULT '',
        version INTEGER NOT NULL DEFAULT 1,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        UNIQUE (project_key, name)
    )
    """,
    "CREATE INDEX documents_waiting ON documents(state, updated_at) WHERE state <> 'ready'",
    """
    CREATE TABLE metadata (
        document_key INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (document_key, name, value)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE chunks (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        project_key INTEGER NOT NULL,
        document_key INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
        ordinal INTEGER NOT NULL,
        start_offset INTEGER NOT NULL,
        end_offset INTEGER NOT NULL,
        page INTEGER,
        heading TEXT NOT NULL,
        text TEXT NOT NULL
    )
    """,
    "CREATE INDEX chunks_of_document ON chunks(document_key, ordinal)",
    "CREATE INDEX chunks_of_project ON chunks(project_key)",
    """
    CREATE TABLE vectors (
        chunk_key INTEGER PRIMARY KEY REFERENCES chunks(key) ON DELETE CASCADE,
        model TEXT NOT NULL,
        vector BLOB NOT NULL
    )
    """,
    """
    CREATE TABLE deletions (
        document_id TEXT PRIMARY KEY,
        project_id TEXT NOT NULL,
        deleted_at TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE frequent_queries (
        project_key INTEGER NOT NULL REFERENCES projects(key) ON DELETE CASCADE,
        query TEXT NOT NULL,
        asked INTEGER NOT NULL,
        PRIMARY KEY (project_key, query)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE tuning (
        name TEXT PRIMARY KEY,
        value INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
)
_FULL_TEXT = (
    """
    CREATE VIRTUAL TABLE chunks_fts USING fts5(
        heading, text, content='chunks', content_rowid='key',
        tokenize='porter unicode61 remove_diacritics 2'
    )
    """,
    """
    CREATE TRIGGER chunks_fts_insert AFTER INSERT ON chunks BEGIN
        INSERT INTO chunks_fts(rowid, heading, text) VALUES (new.key, new.heading, new.text);
    END
    """,
    """
    CREATE TRIGGER chunks_fts_delete AFTER DELETE ON chunks BEGIN
        INSERT INTO chunks_fts(chunks_fts, rowid, heading, text)
        VALUES ('delete', old.key, old.heading, old.text);
    END
    """,
)


# PostgreSQL only. The terms of each passage as the search indexes make them, for searches without such an index.
_WORDS = (
    """
    CREATE TABLE chunk_words (
        chunk_key BIGINT PRIMARY KEY REFERENCES chunks(key) ON DELETE CASCADE,
        project_key BIGINT NOT NULL,
        words TSVECTOR NOT NULL
    )
    """,
    "CREATE INDEX chunk_words_of_project ON chunk_words(project_key)",
    "CREATE INDEX chunk_words_found ON chunk_words USING gin (words)",
)
# PostgreSQL only. What a restore of a backup must not take back has a schema of its own, and is written by the
# transaction that deletes: neither a crash nor a second process can come in between.
_KEPT = (
    "CREATE SCHEMA IF NOT EXISTS knowledge_kept",
    """
    CREATE TABLE IF NOT EXISTS knowledge_kept.deletions (
        document_id TEXT COLLATE "C" PRIMARY KEY,
        deleted_at TEXT COLLATE "C" NOT NULL,
        number BIGINT GENERATED ALWAYS AS IDENTITY
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS knowledge_kept.erased_owners (
        salt TEXT COLLATE "C" PRIMARY KEY,
        digest TEXT COLLATE "C" NOT NULL,
        erased_at TEXT COLLATE "C" NOT NULL
    )
    """,
    # Tells which database a saved index belongs to.
    'CREATE TABLE IF NOT EXISTS knowledge_kept.installation (id TEXT COLLATE "C" PRIMARY KEY)',
    """
    INSERT INTO knowledge_kept.installation
        SELECT CAST(gen_random_uuid() AS TEXT)
        WHERE NOT EXISTS (SELECT 1 FROM knowledge_kept.installation)
    """,
    # An entry whose date changes gets a new number, by which other processes notice it.
    """
    CREATE OR REPLACE FUNCTION knowledge_kept.keep_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE latest TEXT COLLATE "C";
    BEGIN
        SELECT greatest(deleted_at, NEW.deleted_at) INTO latest
            FROM knowledge_kept.deletions WHERE document_id = NEW.document_id;
        DELETE FROM knowledge_kept.deletions WHERE document_id = NEW.document_id;
        INSERT INTO knowledge_kept.deletions (document_id, deleted_at)
            VALUES (NEW.document_id, coalesce(latest, NEW.deleted_at));
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER deletions_kept AFTER INSERT OR UPDATE ON deletions
        FOR EACH ROW EXECUTE FUNCTION knowledge_kept.keep_deletion()
    """,
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        statements = (*map(_for_postgresql, _TABLES), *_WORDS, *_KEPT)
    else:
        statements = (*_TABLES, *_FULL_TEXT)
    for statement in statements:
        op.execute(statement)


def _for_postgresql(statement: str) -> str:
    """Return the statement with PostgreSQL's types; text is ordered by bytes, as SQLite does."""
    identity = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
    for ours, theirs in (
        ("INTEGER PRIMARY KEY AUTOINCREMENT", identity),
        ("INTEGER", "BIGINT"),
        ("BLOB", "BYTEA"),
        ("TEXT", 'TEXT COLLATE "C"'),
        (" WITHOUT ROWID", ""),
    ):
        statement = statement.replace(ours, theirs)
    return statement
