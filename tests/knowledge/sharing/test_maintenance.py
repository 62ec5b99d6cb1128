"""Checks, repair, backups, restore and proof of deletion on PostgreSQL."""

import sqlite3

import pytest

from trimtab.kernel.errors import Unavailable
from trimtab.knowledge.erasure import PersonalDocuments
from trimtab.knowledge.store.integrity import Damage
from trimtab.knowledge.store.postgres_copy import export_database, import_database

WHALES = "Whales sing in the deep sea."


@pytest.fixture
def sea(mine, clock):
    mine.ingest_text("sea", "whales.txt", WHALES, owner="ann")
    mine.ingest_text("sea", "gulls.txt", "Gulls fly far.", owner="bob")
    mine.documents.set_metadata("sea", "gulls.txt", labels=["staff"])
    mine.backup = mine.maintenance.backup()
    clock.seconds += 60
    return mine


def change(knowledge, statement):
    with knowledge.database.write() as connection:
        connection.exec_driver_sql(statement)
    knowledge.caches.empty()


def names(knowledge, query="whales gulls"):
    return {passage.document_name for passage in knowledge.search("sea", query, 100).passages}


def test_a_backup_is_a_knowledge_database_of_sqlite(sea):
    with sqlite3.connect(sea.backup.path) as copy:
        rows = copy.execute("SELECT name, characters FROM documents ORDER BY name").fetchall()
        match = "SELECT rowid FROM chunks_fts WHERE chunks_fts MATCH 'whales'"
        assert rows == [("gulls.txt", 14), ("whales.txt", len(WHALES))]
        assert len(copy.execute(match).fetchall()) == 1
    assert sea.maintenance.backups.problem(sea.backup) == ""


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE chunks SET text = replace(text, 'sing', 'sink')",
        "UPDATE documents SET title = 'Other' WHERE name = 'whales.txt'",
        "UPDATE metadata SET value = 'public' WHERE name = 'label'",
    ],
)
def test_a_changed_value_is_found_and_comes_back_from_the_backup(sea, statement):
    sea.ingest_text("sea", "eels.txt", "Eels swim.")
    change(sea, statement)
    assert sea.maintenance.check().damage is Damage.TABLE
    done = sea.maintenance.recover()
    assert sea.maintenance.check().ok
    assert done.recovered == 1, "the document that the backup lacks was read from the tables"
    assert names(sea) == {"whales.txt", "gulls.txt", "eels.txt"}
    assert sea.documents.text("sea", "whales.txt") == WHALES
    assert sea.documents.labels_of(sea.documents.get("sea", "gulls.txt")) == ("staff",)


def test_a_changed_vector_is_made_again(sea):
    change(sea, "UPDATE vectors SET vector = '\\x00'::bytea")
    assert sea.maintenance.check().damage is Damage.INDEX
    assert sea.maintenance.repair_indexes().ok
    assert sea.documents.counts()["queued"] == 2
    assert sea.drain() == 2
    assert not sea.search("sea", "whales").degraded_mode


def test_passages_that_full_text_has_lost_are_indexed_again(sea):
    change(sea, "DELETE FROM chunk_words")
    found = sea.maintenance.check()
    assert (found.damage, found.problems) == (
        Damage.INDEX,
        ("full-text index: 2 passages are missing",),
    )
    assert sea.maintenance.repair_indexes().ok


def test_what_was_deleted_after_a_backup_stays_deleted_when_it_is_restored(sea):
    sea.documents.delete("sea", "whales.txt")
    sea.ingest_text("sea", "eels.txt", "Eels swim.")
    dry = sea.maintenance.restore(dry_run=True)
    assert names(sea) == {"gulls.txt", "eels.txt"}
    done = sea.maintenance.restore()
    assert names(sea) == {"gulls.txt"}
    assert (dry.lost, done.lost, done.deletions_applied) == (1, 1, 1)
    assert (sea.maintenance.folder / done.kept_as).exists()
    assert sea.verify_deletions().holds


def test_a_person_erased_after_a_backup_does_not_come_back(sea):
    person = PersonalDocuments(sea)
    person.delete_documents("ann")
    with sqlite3.connect(sea.backup.path) as copy:
        assert copy.execute("SELECT count(*) FROM documents").fetchone() == (2,)
    assert person.copies("ann") == 1
    person.purge_copies("ann")
    assert person.copies("ann") == 0
    with sqlite3.connect(sea.backup.path) as copy:
        assert copy.execute("SELECT name FROM documents").fetchall() == [("gulls.txt",)]
    sea.maintenance.restore()
    assert person.documents("ann") == 0
    assert names(sea) == {"gulls.txt"}


def test_a_restore_is_refused_when_another_process_writes_meanwhile(sea, second, tmp_path):
    seen = export_database(sea.database, tmp_path / "copy.db")
    second.ingest_text("sea", "eels.txt", "Eels swim.")
    with pytest.raises(Unavailable):
        import_database(sea.database, tmp_path / "copy.db", seen)
    assert "eels.txt" in names(sea, "eels")


def test_changes_that_cancel_out_in_a_sum_are_noticed_too(sea, second, tmp_path):
    sea.projects.create("empty")
    seen = export_database(sea.database, tmp_path / "copy.db")
    with second.database.write() as connection:
        gone = "DELETE FROM projects WHERE name = 'empty' RETURNING key + index_version"
        number = connection.exec_driver_sql(gone).scalar_one()
        bump = "UPDATE projects SET index_version = index_version + %s WHERE name = 'sea'"
        connection.exec_driver_sql(bump, (number,))
    with pytest.raises(Unavailable):
        import_database(sea.database, tmp_path / "copy.db", seen)


def test_a_database_comes_back_as_it_was_exported(sea, tmp_path):
    before = [*sea.documents.list("sea")]
    export_database(sea.database, tmp_path / "one.db")
    import_database(sea.database, tmp_path / "one.db")
    export_database(sea.database, tmp_path / "two.db")
    assert [*sea.documents.list("sea")] == before
    texts = "SELECT id, ordinal, text, seal FROM chunks ORDER BY id"
    rows = []
    for name in ("one.db", "two.db"):
        with sqlite3.connect(tmp_path / name) as copy:
            rows.append(copy.execute(texts).fetchall())
    assert rows[0] == rows[1]
    assert sea.maintenance.check().ok


def test_saved_indexes_of_another_database_are_not_read(sea, open_knowledge, postgres, tmp_path):
    sea.indexes.save(rest_seconds=0)
    sea.search("sea", "whales")
    sea.indexes.save(rest_seconds=0)
    assert sea.indexes.saved_files()
    open_knowledge.shut()
    (tmp_path / "data" / "index" / ".database").write_text("another one")
    again = open_knowledge()
    assert again.indexes.saved_files() == []
    assert names(again) == {"whales.txt", "gulls.txt"}
