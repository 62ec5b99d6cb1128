"""Folders and lists: the unchanged is left alone, a document that changes meanwhile is not overwritten."""

import gzip
import threading

import pytest
import sqlalchemy as sa

from tests.knowledge.documents import vectors_of
from trimtab.kernel.errors import StorageFull
from trimtab.knowledge import FailedDocument, IngestResult
from trimtab.knowledge.ingestion import DocumentSource
from trimtab.knowledge.parsing.content import Content
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
    assert vectors_of(knowledge, "sea") == 300
    assert knowledge.search("sea", "island 217").passages[0].document_name == "217.md"


def test_only_changed_files_are_embedded_and_parsed_again(knowledge, folder, home, monkeypatch):
    knowledge.ingest_folder("sea", folder)
    (folder / "042.md").write_text("A volcano.")
    home.model.embedded.clear()
    parsed = []
    parse = knowledge.parts.parser.parse
    monkeypatch.setattr(
        knowledge.parts.parser,
        "parse",
        lambda name, *given: parsed.append(name) or parse(name, *given),
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
    assert knowledge.documents.text("sea", "007.md") == "From the folder."
    assert vectors_of(knowledge, "sea") == 300


def test_a_stop_ends_the_ingestion_within_one_batch_of_texts(knowledge, folder, home, monkeypatch):
    stop, calls = threading.Event(), []
    embed = home.model.embed

    def stopped(texts):
        calls.append(len(texts))
        stop.set()
        return embed(texts)

    monkeypatch.setattr(home.model, "embed", stopped)
    done = knowledge.ingest_folder("sea", folder, stop=stop)
    assert calls == [64]
    assert done.documents == ()
    monkeypatch.undo()
    assert len(knowledge.ingest_folder("sea", folder).documents) == 300


def test_a_full_disk_ends_the_ingestion_and_keeps_what_was_reported(knowledge, folder, monkeypatch):
    seen, stop = [], threading.Event()
    write = DocumentStore.write

    def full(store, *given):
        if seen:
            raise StorageFull("The disk is full.")
        return write(store, *given)

    monkeypatch.setattr(DocumentStore, "write", full)
    with pytest.raises(StorageFull):
        knowledge.ingest_folder("sea", folder, lambda *step: seen.append(step), stop)
    assert 0 < len(seen) < 300
    assert not stop.is_set(), "the caller may try again"
    assert len(knowledge.documents.list("sea")) == len(seen)


def test_hidden_files_and_links_are_left_out_and_told(knowledge, tmp_path):
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
    assert [document.name for document in done.documents] == ["page.md"]
    assert [entry.name for entry in done.left_out] == [".git", "folder", "link.md", "own.md"]


def _sources(*texts):
    return [
        DocumentSource(f"{number:03}.md", Content(text.encode()))
        for number, text in enumerate(texts)
    ]


def _became(outcomes):
    return [one.error.code if isinstance(one, FailedDocument) else one.status for one in outcomes]


def test_documents_that_come_together_are_embedded_together(knowledge, home, monkeypatch):
    calls = []
    embed = home.model.embed
    monkeypatch.setattr(home.model, "embed", lambda texts: calls.append(texts) or embed(texts))
    outcomes = list(knowledge.ingest_many("sea", _sources(*[f"Island {n}." for n in range(100)])))
    assert [one.name for one in outcomes] == [f"{n:03}.md" for n in range(100)]
    assert all(isinstance(one, IngestResult) for one in outcomes)
    assert [len(texts) for texts in calls] == [64, 36]
    assert vectors_of(knowledge, "sea") == 100


def test_one_of_many_that_is_refused_is_told_in_its_place(knowledge):
    outcomes = list(knowledge.ingest_many("sea", _sources("One.", "", "Three.")))
    assert _became(outcomes) == ["ingested", "knowledge.document_empty", "ingested"]
    assert outcomes[1].name == "001.md"
    counted = knowledge.searcher.metrics.users.outcomes.totals()
    assert (counted["full"], counted["failed"]) == (2, 0), (
        "a refused file is no failure of the service"
    )


def test_many_documents_are_queued_while_the_model_is_down_and_told_apart_again(knowledge):
    knowledge.encoder.unload()
    assert _became(knowledge.ingest_many("sea", _sources("One.", "Two."))) == ["queued"] * 2
    knowledge.reload_model()
    assert knowledge.drain() == 2
    again = _sources("One.", "Two changed.")
    assert _became(knowledge.ingest_many("sea", again)) == ["unchanged", "ingested"]


def test_of_two_documents_of_one_name_the_later_stays(knowledge):
    both = [DocumentSource(" a.md", Content(text)) for text in (b"The first.", b"The second.")]
    assert [one.version for one in knowledge.ingest_many("sea", both)] == [1, 2]
    assert knowledge.documents.text("sea", "a.md") == "The second."


def test_a_group_that_cannot_be_written_fails_whole_and_the_others_come_in(knowledge, monkeypatch):
    write, called = DocumentStore.write, []

    def full_at_first(store, *given):
        called.append(given)
        if len(called) == 1:
            raise StorageFull("The disk is full.")
        return write(store, *given)

    monkeypatch.setattr(DocumentStore, "write", full_at_first)
    texts = [f"Island {n}." for n in range(130)]
    became = _became(knowledge.ingest_many("sea", _sources(*texts)))
    assert became == ["storage.full"] * 128 + ["ingested"] * 2
    assert [found.name for found in knowledge.documents.list("sea")] == ["128.md", "129.md"]


def test_each_document_of_many_belongs_to_its_owner(knowledge):
    sources = [
        DocumentSource(f"{who}.md", Content(who.encode()), owner=who) for who in ("ann", "bob")
    ]
    done = list(knowledge.ingest_many("sea", sources))
    assert [owned.document_id for owned in knowledge.owners.of("ann")] == [done[0].document_id]


def test_each_document_of_many_that_is_new_is_told_to_the_other_domains(knowledge):
    told = []
    knowledge.ingest_text("sea", "000.md", "One.")
    knowledge.events.events.subscribe("knowledge.document_ingested", told.append)
    done = list(knowledge.ingest_many("sea", _sources("One.", "Two.")))
    assert [(event.subject, event.facts["project"]) for event in told] == [
        (done[1].document_id, "sea")
    ]


def test_what_is_queued_together_is_read_and_parsed_once(knowledge, monkeypatch):
    parsed = []
    parse = knowledge.parts.parser.parse
    monkeypatch.setattr(
        knowledge.parts.parser,
        "parse",
        lambda name, *given: parsed.append(name) or parse(name, *given),
    )
    knowledge.encoder.unload()
    assert _became(knowledge.ingest_many("sea", _sources("One.", "Two."))) == ["queued"] * 2
    assert parsed == ["000.md", "001.md"]


def test_a_document_that_needs_no_vector_is_not_queued_while_the_model_is_down(knowledge):
    long, longer = "# A\n\nOne.\n", "# A\n\nOne.\n\n\n"
    list(knowledge.ingest_many("sea", _sources(f"{long}# B\n\nTwo.\n")))
    knowledge.encoder.unload()
    assert _became(knowledge.ingest_many("sea", _sources(long))) == ["ingested"]
    assert _became(knowledge.ingest_many("sea", _sources(longer))) == ["queued"]


def test_a_group_of_documents_needs_as_many_statements_as_one(knowledge):
    def statements(texts):
        seen = []
        sa.event.listen(
            knowledge.database.engine, "before_cursor_execute", lambda *given: seen.append(given[2])
        )
        assert set(_became(knowledge.ingest_many("sea", _sources(*texts)))) == {"ingested"}
        return [sql for sql in seen if sql.startswith(("INSERT", "UPDATE", "DELETE"))]

    one = statements(["Island."])
    assert len(statements([f"Island {n}." for n in range(100)])) <= 2 * len(one)


def test_a_changed_passage_of_one_document_of_many_leaves_the_others_their_vectors(knowledge, home):
    pages = [f"# A\n\nIsle {n}.\n\n# B\n\nPalm {n}.\n" for n in range(3)]
    list(knowledge.ingest_many("sea", _sources(*pages)))
    home.model.embedded.clear()
    pages = [pages[0].replace("Palm", "Oak"), f"# C\n\nNew.\n\n{pages[1]}", pages[2]]
    list(knowledge.ingest_many("sea", _sources(*pages)))
    assert sorted(home.model.embedded) == ["B\n# B\n\nOak 0.", "C\n# C\n\nNew."]
    assert [knowledge.documents.text("sea", f"00{n}.md") for n in range(3)] == pages
    assert vectors_of(knowledge, "sea") == 7


def test_compressed_files_of_a_folder_are_ingested(knowledge, tmp_path):
    (tmp_path / "notes.txt.gz").write_bytes(gzip.compress(b"Whales sing."))
    done = knowledge.ingest_folder("sea", tmp_path)
    assert _statuses(done) == {"notes.txt.gz": "ingested"}
