"""Files without seals or without a table: only SQLite's can be so."""

import sqlite3

import pytest

from tests.knowledge.store.test_seals import change
from trimtab.infra.storage import SqliteDatabase
from trimtab.knowledge.store.salvage import LABELS_UNKNOWN


@pytest.fixture
def sea(knowledge, clock):
    knowledge.ingest_text("sea", "whales.md", "# Song\n\nWhales sing.")
    knowledge.documents.set_metadata("sea", "whales.md", tags=["loud"], labels=["staff"])
    clock.seconds += 60
    knowledge.maintenance.backup()
    return knowledge


def test_documents_whose_labels_cannot_be_read_are_not_shown_to_everybody(sea):
    for backup in sea.maintenance.backups.list():
        backup.path.unlink()
    change(sea, "DROP TABLE metadata")
    sea.maintenance.recover()
    assert not sea.search("sea", "whales", labels=[]).passages
    assert sea.search("sea", "whales", labels=[LABELS_UNKNOWN]).passages


def test_a_database_without_seals_gets_them(sea, tmp_path):
    file = tmp_path / "older.db"
    with sqlite3.connect(file) as copy, sqlite3.connect(sea.database.file) as live:
        live.backup(copy)
    with sqlite3.connect(file) as older:
        for table in ("projects", "documents", "chunks", "vectors", "metadata", "deletions"):
            older.execute(f"ALTER TABLE {table} DROP COLUMN seal")
        older.execute("ALTER TABLE tuning DROP COLUMN seal")
        older.execute("ALTER TABLE projects DROP COLUMN embedder")
        older.execute("DROP TABLE new_vectors")
        older.execute("DROP TABLE chunks_tokens")
        older.execute("UPDATE schema_knowledge SET version_num = 'knowledge_0002'")
    SqliteDatabase(file, ("knowledge",)).close()
    with sqlite3.connect(file) as migrated, sqlite3.connect(sea.database.file) as live:
        for table in ("projects", "documents", "chunks", "vectors", "metadata"):
            query = f"SELECT * FROM {table} ORDER BY 1, 2, 3"
            assert migrated.execute(query).fetchall() == live.execute(query).fetchall()
