"""Folders: the unchanged is left alone, a document that changes meanwhile is not overwritten."""

import pytest

from trimtab.kernel.errors import StorageFull
from trimtab.knowledge.store import DocumentStore


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "in"
    made.mkdir()
    for number in range(300):
        (made / f"{number:03}.md").write_text(f"Island {number} has {number * 7} palms.")
    return made


def _statuses(done):
    return {document.name: document.status for document in done.documents}


def test_every_file_of_a_large_folder_is_found_by_meaning(knowledge, folder):
    done = knowledge.ingest_folder("sea", folder)
    assert set(_statuses(done).values()) == {"ingested"}
    assert knowledge.get_collection_size("sea") == 300
    assert knowledge.search("sea", "island 217").passages[0].document_name == "217.md"


def test_only_changed_files_are_embedded_and_parsed_again(knowledge, folder, home, monkeypatch):
    knowledge.ingest_folder("sea", folder)
    (folder / "042.md").write_text("A volcano.")
    home.model.embedded.clear()
    parsed = []
    parse = knowledge.parser.parse
    monkeypatch.setattr(
        knowledge.parser, "parse", lambda name, *given: parsed.append(name) or parse(name, *given)
    )
    done = knowledge.ingest_folder("sea", folder)
    assert [name for name, status in _statuses(done).items() if status == "ingested"] == ["042.md"]
    assert (home.model.embedded, parsed) == (["A volcano."], ["042.md"])
    assert next(found for found in done.documents if found.name == "042.md").version == 2


def test_a_failing_text_leaves_only_its_own_document_queued(knowledge, folder, home):
    (folder / "150.md").write_text("poison")
    home.model.broken_by = "poison"
    statuses = _statuses(knowledge.ingest_folder("sea", folder))
    assert statuses.pop("150.md") == "queued"
    assert set(statuses.values()) == {"ingested"}


def test_a_document_written_meanwhile_is_compared_anew(knowledge, folder, home, monkeypatch):
    knowledge.ingest_folder("sea", folder)
    (folder / "007.md").write_text("From the folder.")
    embed = home.model.embed

    def overtaken(texts):
        monkeypatch.undo()
        knowledge.ingest_text("sea", "007.md", "From somebody else, at the same time.")
        return embed(texts)

    monkeypatch.setattr(home.model, "embed", overtaken)
    done = knowledge.ingest_folder("sea", folder)
    assert next(found for found in done.documents if found.name == "007.md").version == 3
    assert knowledge.document_text("sea", "007.md") == "From the folder."
    assert knowledge.get_collection_size("sea") == 300


def test_a_full_disk_ends_the_ingestion_and_keeps_what_was_reported(knowledge, folder, monkeypatch):
    seen = []
    write_many = DocumentStore.write_many

    def full(store, *given):
        if seen:
            raise StorageFull("The disk is full.")
        return write_many(store, *given)

    monkeypatch.setattr(DocumentStore, "write_many", full)
    with pytest.raises(StorageFull):
        knowledge.ingest_folder("sea", folder, lambda *step: seen.append(step))
    assert 0 < len(seen) < 300
    assert len(knowledge.documents("sea")) == len(seen)


def test_hidden_files_and_links_that_lead_out_are_left_alone(knowledge, tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    (inside / ".git").mkdir(parents=True)
    (inside / ".git" / "notes.md").write_text("hidden")
    outside.mkdir()
    (outside / "secret.md").write_text("secret")
    (inside / "link.md").symlink_to(outside / "secret.md")
    (inside / "folder").symlink_to(outside)
    (inside / "own.md").symlink_to(inside / "page.md")
    (inside / "page.md").write_text("A page.")
    done = knowledge.ingest_folder("sea", inside)
    assert [document.name for document in done.documents] == ["own.md", "page.md"]
