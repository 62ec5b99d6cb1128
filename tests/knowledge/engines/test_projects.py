"""A project behaves alike in every engine, the embedded one too."""

import pytest

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact"),
]
TEXTS = {
    "whales.md": "Whales sing in the deep sea.",
    "gulls.md": "Gulls cry over the harbour at noon.",
    "salaries.md": "Salaries of the board of the harbour company.",
    "tides.md": "The tide turns twice a day in the harbour.",
}


@pytest.fixture
def sea(anywhere):
    for name, text in TEXTS.items():
        anywhere.ingest_text("sea", name, text)
    return anywhere


def names(result):
    assert not result.degraded_mode
    return [passage.document_name for passage in result.passages]


def test_search_ranks_as_the_embedded_engine_does(sea):
    result = sea.search("sea", "whales sing", 4)
    assert names(result)[0] == "whales.md"
    scores = [(p.document_name, p.score, round(p.vector_score, 4)) for p in result.passages]
    sea.searcher.forget_all()
    row = sea.parts.stores.projects.find("sea")
    sea.engine_store.assign(row.key, "embedded")
    again = sea.search("sea", "whales sing", 4)
    assert scores == [(p.document_name, p.score, round(p.vector_score, 4)) for p in again.passages]


def test_a_deleted_document_is_gone_at_once_and_provably(sea):
    assert "gulls.md" in names(sea.search("sea", "gulls", 4))
    sea.documents.delete("sea", "gulls.md")
    assert sea.verify_deletions().holds
    assert "gulls.md" not in names(sea.search("sea", "gulls cry over the harbour at noon", 4))


def test_a_changed_document_is_found_by_its_new_text_only(sea):
    sea.search("sea", "whales")
    sea.ingest_text("sea", "whales.md", "Submarines hum.")
    best = sea.search("sea", "submarines hum", 1).passages[0]
    assert (best.document_name, best.text) == ("whales.md", "Submarines hum.")
    assert best.vector_score > 0.5


def test_labels_are_kept_from_callers_who_have_none_of_them(sea):
    sea.documents.set_metadata("sea", "salaries.md", labels=["board"])
    public = sea.search("sea", "salaries of the board", 4, labels=["staff"])
    assert "salaries.md" not in names(public)
    assert (
        names(sea.search("sea", "salaries of the board", 4, labels=["board"]))[0] == "salaries.md"
    )


def test_a_label_that_changes_counts_from_the_next_search_on(sea):
    sea.documents.set_metadata("sea", "salaries.md", labels=["board"])
    sea.search("sea", "salaries", 4, labels=["staff"])
    sea.documents.set_metadata("sea", "salaries.md", labels=["staff"])
    assert "salaries.md" in names(sea.search("sea", "salaries", 4, labels=["staff"]))
    assert "salaries.md" not in names(sea.search("sea", "salaries", 4, labels=["board"]))


def test_tags_choose_documents(sea):
    sea.documents.set_metadata("sea", "tides.md", tags=["nature", "2026"])
    assert names(sea.search("sea", "harbour", 4, tags=["nature"])) == ["tides.md"]


def test_projects_do_not_see_each_other(sea):
    sea.ingest_text("land", "hills.md", "Whales never climb hills.")
    assert names(sea.search("land", "whales", 10)) == ["hills.md"]
    sea.projects.delete("land")
    assert "whales.md" in names(sea.search("sea", "whales", 10))


def test_documents_that_wait_for_the_model_are_found_by_words_and_then_by_meaning(sea, home):
    sea.encoder.unload()
    sea.ingest_text("sea", "squid.md", "Squid glow.")
    assert sea.search("sea", "squid").passages[0].document_name == "squid.md"
    sea.reload_model()
    sea.drain()
    found = sea.search("sea", "squid glow", 1)
    assert names(found) == ["squid.md"]
    assert found.passages[0].vector_score is not None
