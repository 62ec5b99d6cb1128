"""Ingestion of single documents: a group of one, compared, embedded and written."""

import pytest

from tests.knowledge.both_engines import knowledge_server  # noqa: F401 - fixture.
from trimtab.knowledge.errors import DocumentHidden, DocumentTypeUnsupported
from trimtab.knowledge.ingestion import DocumentSource
from trimtab.knowledge.parsing.content import Content


def _source(text, **options):
    return DocumentSource("plan.md", Content(text.encode()), **options)


def test_a_document_overtaken_by_another_writer_replaces_what_that_one_wrote(
    knowledge, home, monkeypatch
):
    embed = home.model.embed

    def overtaken(texts):
        monkeypatch.setattr(home.model, "embed", embed)
        knowledge.ingest_text("sea", "plan.md", "The faster writer.")
        return embed(texts)

    monkeypatch.setattr(home.model, "embed", overtaken)
    assert knowledge.ingest_text("sea", "plan.md", "The slower writer.").version == 2
    assert knowledge.documents.text("sea", "plan.md") == "The slower writer."


def test_two_writers_of_one_text_leave_one_version(knowledge, home, monkeypatch):
    embed = home.model.embed

    def overtaken(texts):
        monkeypatch.setattr(home.model, "embed", embed)
        knowledge.ingest_text("sea", "plan.md", "The same text.")
        return embed(texts)

    monkeypatch.setattr(home.model, "embed", overtaken)
    done = knowledge.ingest_text("sea", "plan.md", "The same text.")
    assert (done.status, done.version) == ("unchanged", 1)


def test_a_refused_file_creates_no_project(knowledge):
    with pytest.raises(DocumentTypeUnsupported):
        knowledge.ingest_bytes("new", "a.txt", b"\x89PNG and more")
    assert knowledge.projects.list() == ()


def _alone(knowledge, source):
    knowledge.ingest("sea", source)


def _among_others(knowledge, source):
    list(knowledge.ingest_many("sea", [_source("Mine.", visible_to=("board",)), source]))


@pytest.mark.parametrize("ingest", [_alone, _among_others])
def test_a_document_hidden_from_the_uploader_is_not_replaced(knowledge, ingest):
    knowledge.ingest("sea", _source("For the board.", labels=("board",)))
    with pytest.raises(DocumentHidden):
        ingest(knowledge, _source("From another team.", visible_to=("staff",)))
    assert knowledge.documents.text("sea", "plan.md") == "For the board."


@pytest.mark.parametrize("labels", [("board",), ("board", "staff"), None])
def test_a_document_visible_to_the_uploader_is_replaced(knowledge, labels):
    knowledge.ingest("sea", _source("For the board.", labels=("board",)))
    done = knowledge.ingest("sea", _source("For the board, revised.", visible_to=labels))
    assert (done.status, done.version) == ("ingested", 2)


def test_labels_of_an_unchanged_document_are_added(knowledge):
    knowledge.ingest("sea", _source("For the board."))
    done = knowledge.ingest("sea", _source("For the board.", labels=("board",)))
    assert done.status == "unchanged"
    assert knowledge.documents.list("sea", labels=("staff",)) == ()
    assert len(knowledge.documents.list("sea", labels=("board",))) == 1
