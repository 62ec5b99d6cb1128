"""What was deleted is proven to be nowhere, and the proof fails when it is somewhere."""

import json

import pytest

from trimtab.kernel.errors import StorageFull
from trimtab.knowledge.index import ProjectIndex
from trimtab.knowledge.maintenance.deletions import DeletionLog


@pytest.fixture
def sea(knowledge, clock):
    knowledge.ingest_text("sea", "whales.md", "Whales sing zyxwvut.")
    knowledge.ingest_text("sea", "crabs.md", "Crabs walk sideways.")
    clock.seconds += 60
    return knowledge


def test_after_a_deletion_the_proof_holds_and_no_byte_of_the_text_is_left(sea, clock):
    sea.search("sea", "whales")
    sea.documents.text("sea", "whales.md")
    sea.indexes.save(rest_seconds=0)
    sea.documents.delete("sea", "whales.md")
    clock.seconds += 60
    sea.maintenance.backup()
    sea.search("sea", "crabs")
    sea.indexes.save(rest_seconds=0)
    proof = sea.verify_deletions()
    assert (proof.holds, proof.deletions) == (True, 1)
    folder = sea.database.file.parent
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert [file.name for file in files if b"zyxwvut" in file.read_bytes()] == []


def test_as_many_new_deletions_as_were_forgotten_are_purged(sea, clock):
    sea.documents.delete("sea", "crabs.md")
    assert sea.maintenance.purge()
    clock.seconds += 31 * 86_400
    sea.maintenance.clean_up()  # Forgets the first deletion: it is a month old.
    sea.documents.delete("sea", "whales.md")
    assert len(sea.maintenance.deletions.all()) == 1
    assert sea.maintenance.purge()
    assert b"zyxwvut" not in sea.database.file.read_bytes()


def test_a_backup_from_before_the_deletion_is_no_violation(sea, clock):
    sea.maintenance.backup()
    clock.seconds += 60
    sea.documents.delete("sea", "whales.md")
    assert sea.verify_deletions().holds


def test_a_row_that_came_back_is_found(sea, clock):
    before = sea.maintenance.backup().path.read_bytes()
    clock.seconds += 60
    sea.documents.delete("sea", "whales.md")
    clock.seconds += 60
    sea.maintenance.backup().path.write_bytes(before)
    (violation,) = sea.verify_deletions().violations
    assert "row of doc_" in violation


def test_remains_in_a_file_are_found(sea):
    (_, witness), *_ = sea.parts.stores.documents.witnesses("sea", "whales.md")
    sea.documents.delete("sea", "whales.md")
    sea.maintenance.purge()
    sea.database.file.with_name("knowledge.db-wal").write_bytes(b"..." + witness.encode() + b"...")
    assert not sea.verify_deletions().holds


def test_a_cached_passage_of_a_deleted_document_is_found(sea):
    document_id = sea.documents.get("sea", "whales.md").id
    sea.documents.delete("sea", "whales.md")
    sea.parts.texts.put((document_id, 1), "Whales sing zyxwvut.", 40)
    assert sea.verify_deletions().violations == (f"cache: {document_id}",)


def test_a_passage_that_an_index_still_holds_is_found(sea, monkeypatch):
    sea.search("sea", "whales")
    monkeypatch.setattr(ProjectIndex, "remove", lambda *_: None)
    sea.documents.delete("sea", "whales.md")
    assert sea.verify_deletions().violations == ("index: 1 passages that no longer exist",)


def test_a_document_that_was_ingested_again_is_no_violation(sea):
    sea.documents.delete("sea", "whales.md")
    sea.ingest_text("sea", "whales.md", "Whales sing zyxwvut.")
    sea.search("sea", "whales")
    assert sea.verify_deletions().holds


def test_a_deletion_cut_off_by_a_crash_is_completed_at_the_next_start(sea, open_knowledge):
    with sea.maintenance.deleting(sea.parts.stores.documents.witnesses("sea", "whales.md")):
        pass
    again = open_knowledge()
    assert [document.name for document in again.documents.list("sea")] == ["crabs.md"]


def test_a_deleted_projects_documents_are_all_on_the_list(sea):
    sea.projects.delete("sea")
    assert len(sea.maintenance.deletions.all()) == 2
    assert sea.verify_deletions().holds


def test_a_line_cut_short_by_a_crash_is_ignored_and_not_joined(tmp_path, clock):
    from trimtab.knowledge.maintenance.deletions import Deletion

    log = DeletionLog(tmp_path / "log")
    with log.record([Deletion("doc_1", clock.now())]):
        pass
    with log.file.open("a") as file:
        file.write('{"document": "doc_2", "at": "20')
    with log.record([Deletion("doc_3", clock.now())]):
        pass
    assert [entry.document_id for entry in log.all()] == ["doc_1", "doc_3"]
    assert all("text" not in json.loads(line) for line in log.file.read_text().splitlines()[:1])


def test_a_deletion_that_failed_is_not_carried_out_by_the_next_start(sea, open_knowledge):
    with (
        pytest.raises(StorageFull),
        sea.maintenance.deleting(sea.parts.stores.documents.witnesses("sea", "whales.md")),
    ):
        raise StorageFull("The disk is full.")
    again = open_knowledge()
    assert [document.name for document in again.documents.list("sea")] == ["crabs.md", "whales.md"]


def test_a_damaged_line_of_the_list_comes_back_from_the_database(sea, open_knowledge):
    sea.documents.delete("sea", "whales.md")
    (noted,) = sea.maintenance.deletions.all()
    text = sea.maintenance.deletions.file.read_text()
    sea.maintenance.deletions.file.write_text(text.replace(noted.document_id, f"doc_{'0' * 32}"))
    assert sea.maintenance.deletions.all() == ()
    again = open_knowledge()
    assert [entry.document_id for entry in again.maintenance.deletions.all()] == [noted.document_id]


def test_passages_that_a_change_replaced_are_no_remains_of_a_deletion(sea):
    sea.search("sea", "whales")
    sea.ingest_text("sea", "whales.md", "Whales hum now.")
    assert sea.verify_deletions().holds
