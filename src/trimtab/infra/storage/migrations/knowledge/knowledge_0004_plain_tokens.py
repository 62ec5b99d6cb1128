"""The full-text index holds words as they are; a query is compared with them as the search indexes do."""

from alembic import op

revision = "knowledge_0004"
down_revision = "knowledge_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        return  # It has no FTS5: revision 1 made the table of its full-text search.
    op.execute("DROP TABLE chunks_fts")
    op.execute(
        "CREATE VIRTUAL TABLE chunks_fts USING fts5(heading, text, content='chunks', content_rowid='key',"
        " tokenize='unicode61 remove_diacritics 0')"
    )
    op.execute("INSERT INTO chunks_fts(chunks_fts) VALUES ('rebuild')")
    # Stores nothing: it shows the tokens of the index.
    op.execute("CREATE VIRTUAL TABLE chunks_tokens USING fts5vocab(chunks_fts, row)")
