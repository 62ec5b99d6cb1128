"""Documents go in whole, are found, change in place and are gone when deleted."""

from dataclasses import asdict, replace

import pytest

from tests.knowledge.both_engines import knowledge_server  # noqa: F401 - fixture.
from tests.knowledge.documents import pdf, vectors_of
from trimtab.kernel.errors import TrimtabError
from trimtab.knowledge.errors import (
    DocumentNameInvalid,
    DocumentTooLarge,
    DocumentUnknown,
    ProjectNameInvalid,
    ProjectUnknown,
    QueryInvalid,
)
from trimtab.knowledge.search import SearchRequest

WHALES = "# Whales\n\nWhales sing in the deep sea.\n"
DESERTS = "# Deserts\n\nDeserts are dry and hot.\n"


def _names(result):
    return [passage.document_name for passage in result.passages]


@pytest.fixture
def sea(knowledge):
    knowledge.ingest_text("sea", "whales.md", WHALES)
    knowledge.ingest_text("sea", "deserts.md", DESERTS)
    return knowledge


def test_the_document_that_answers_comes_first(sea):
    assert _names(sea.search("sea", "where do whales sing"))[0] == "whales.md"


def test_a_passage_is_found_by_the_name_of_its_document(knowledge):
    animals = ("otter", "heron", "lynx")
    for animal in animals:
        knowledge.ingest_text("zoo", f"{animal}/README.txt", "It eats four fish a day.\n")
    found = [
        _names(knowledge.search("zoo", f"what does the {animal} eat"))[0] for animal in animals
    ]
    assert found == [f"{animal}/README.txt" for animal in animals]


def test_a_passage_is_cited_by_the_offsets_of_its_text(sea):
    passage = sea.search("sea", "whales").passages[0]
    text = sea.documents.text("sea", passage.document_id)
    assert text[passage.start : passage.end] == passage.text
    assert passage.heading == "Whales"


def test_a_passage_of_a_pdf_knows_its_page(knowledge):
    knowledge.ingest_bytes("sea", "a.pdf", pdf("Whales sing.", "Deserts are dry."))
    assert knowledge.search("sea", "dry deserts").passages[0].page == 2


def test_ingesting_the_same_file_again_costs_nothing(sea, home):
    before = len(home.model.embedded)
    again = sea.ingest_text("sea", "whales.md", WHALES)
    assert (again.status, len(home.model.embedded)) == ("unchanged", before)


def test_only_the_changed_passages_are_embedded_again(knowledge):
    parts = [f"# Part {number}\n\nText of part {number}.\n\n" for number in range(10)]
    first = knowledge.ingest_text("sea", "parts.md", "".join(parts))
    parts[4] = "# Part 4\n\nSomething new.\n\n"
    second = knowledge.ingest_text("sea", "parts.md", "".join(parts))
    assert (first.embedded_chunks, second.embedded_chunks, second.version) == (10, 1, 2)
    assert knowledge.documents.text("sea", "parts.md") == "".join(parts)


def test_a_changed_document_is_no_longer_found_by_its_old_words(sea):
    sea.ingest_text("sea", "whales.md", "# Whales\n\nNothing of note.\n")
    assert all("sing" not in found.text for found in sea.search("sea", "whales sing").passages)


def test_a_deleted_document_is_gone_from_search_cache_and_text(sea):
    sea.search("sea", "whales sing")
    sea.documents.delete("sea", "whales.md")
    assert "whales.md" not in _names(sea.search("sea", "whales sing"))
    with pytest.raises(DocumentUnknown):
        sea.documents.text("sea", "whales.md")


def test_a_hit_whose_row_is_gone_is_never_answered(sea, monkeypatch):
    sea.search("sea", "whales")
    monkeypatch.setattr(sea.indexes, "deleted_from", lambda _: None)
    sea.documents.delete("sea", "whales.md")
    row = sea.parts.stores.projects.find("sea")
    stale = sea.indexes.overview()[row.key]
    assert len(stale.index) == 2
    sea.indexes._held[row.key] = replace(stale, version=row.index_version)
    assert _names(sea.search("sea", "whales sing")) == ["deserts.md"]


def test_deleting_a_project_takes_its_documents_and_the_name_is_free_again(sea):
    assert sea.projects.delete("sea") == 2
    with pytest.raises(ProjectUnknown):
        sea.search("sea", "whales")
    sea.projects.create("sea")
    assert sea.search("sea", "whales").passages == ()


def test_projects_do_not_see_each_other(sea):
    sea.ingest_text("land", "camels.md", "Camels cross deserts.\n")
    assert _names(sea.search("land", "whales deserts")) == ["camels.md"]


@pytest.mark.feature("F606")
@pytest.mark.parametrize("name", ["", "a b", "../x", "ä", "x" * 101, "a\n"])
def test_a_bad_project_name_is_refused(knowledge, name):
    with pytest.raises(ProjectNameInvalid):
        knowledge.ingest_text(name, "a.txt", "text")
    assert knowledge.projects.list() == ()


@pytest.mark.feature("F605")
def test_a_blank_query_is_refused_in_the_contracts_words(sea):
    with pytest.raises(QueryInvalid, match=r"^Query cannot be empty$"):
        sea.search("sea", "  ")


@pytest.mark.feature("F604")
def test_a_query_of_1000_characters_is_answered_and_one_of_1001_refused(sea):
    assert sea.search("sea", "x" * 1000) is not None
    with pytest.raises(QueryInvalid):
        sea.search("sea", "x" * 1001)


@pytest.mark.parametrize("query", ['"', "a OR", "NEAR(", "*", "-", "heading: x", "'", "(", "\0"])
def test_no_query_is_read_as_full_text_syntax(sea, query):
    sea.search("sea", query)


def test_a_refused_file_leaves_no_trace(knowledge):
    with pytest.raises(TrimtabError):
        knowledge.ingest_bytes("sea", "broken.pdf", b"%PDF-1.4 nothing")
    assert knowledge.projects.list() == ()


def test_a_file_over_the_limit_is_refused_before_it_is_read(open_knowledge, tmp_path):
    knowledge = open_knowledge(max_document_mb=1)
    with (tmp_path / "big.txt").open("wb") as file:
        file.truncate(60 * 1024 * 1024)
    [refused] = knowledge.ingest_folder("sea", tmp_path).refused
    assert (refused.code, "60.0 MB" in refused.message) == (DocumentTooLarge.code, True)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 501])
def test_a_bad_document_name_is_refused(knowledge, name):
    with pytest.raises(DocumentNameInvalid):
        knowledge.ingest_text("sea", name, "text")


def test_a_folder_is_taken_in_with_what_was_refused_listed(knowledge, tmp_path):
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "whales.md").write_text(WHALES)
    (folder / "sub" / "deserts.md").write_text(DESERTS)
    (folder / "broken.pdf").write_text("no pdf")
    (folder / ".hidden.md").write_text("hidden")
    seen = []
    done = knowledge.ingest_folder("sea", folder, lambda *step: seen.append(step))
    assert [document.name for document in done.documents] == ["sub/deserts.md", "whales.md"]
    assert [refused.code for refused in done.refused] == ["knowledge.document_type_unsupported"]
    assert seen[-1] == (3, 3, "whales.md")


def test_the_words_that_match_are_marked(sea):
    passage = sea.search("sea", "where do whales sing").passages[0]
    assert [passage.text[a:b] for a, b in passage.highlights] == ["Whales", "Whales", "sing"]


def test_tags_narrow_a_search(sea):
    sea.documents.set_metadata("sea", "deserts.md", tags=["dry", "hot"])
    assert _names(sea.search("sea", "whales", tags=["dry"])) == ["deserts.md"]
    assert sea.search("sea", "whales", tags=["dry", "cold"]).passages == ()


@pytest.mark.parametrize("degraded", [False, True])
def test_a_labelled_document_is_found_only_by_who_shares_a_label(sea, degraded):
    sea.documents.set_metadata("sea", "whales.md", labels=["secret", "crew"])
    if degraded:
        sea.indexes.breaker.trip()
    found = {
        seen: _names(sea.search("sea", "whales deserts", labels=seen))
        for seen in ((), ("staff",), ("crew", "staff"), None)
    }
    for seen in ((), ("staff",)):
        assert found[seen] == ["deserts.md"]
    for seen in (("crew", "staff"), None):
        assert sorted(found[seen]) == ["deserts.md", "whales.md"]


def test_ingesting_a_document_again_keeps_its_labels(sea):
    sea.documents.set_metadata("sea", "whales.md", labels=["secret"])
    sea.ingest_text("sea", "whales.md", "# Whales\n\nThey whistle.\n")
    assert "whales.md" not in _names(sea.search("sea", "whales whistle", labels=[]))


@pytest.mark.feature("F534")
def test_pages_of_results_do_not_overlap(knowledge):
    for number in range(12):
        knowledge.ingest_text("sea", f"{number}.md", f"whale number {number}")
    first = knowledge.search("sea", "whale", 5)
    second = knowledge.search("sea", "whale", 5, offset=5)
    assert not {p.chunk_id for p in first.passages} & {p.chunk_id for p in second.passages}


@pytest.mark.feature("F522")
@pytest.mark.feature("F523")
def test_projects_are_listed_with_their_sizes(sea):
    (project,) = sea.projects.list()
    assert (project.name, project.documents, project.vectors) == ("sea", 2, 2)
    assert vectors_of(sea, "sea") == 2


def test_a_project_too_small_to_be_asked_names_no_weight_of_its_own(sea):
    sea.search("sea", "whales")
    (project,) = sea.projects.list()
    assert (project.engine, project.meaning) == ("exact", None)


@pytest.mark.feature("F572")
@pytest.mark.feature("F680")
def test_stats_have_the_fields_of_the_contract(sea):
    empty = sea.stats().cache_memory_mb
    for query in ("whales", "songs"):
        sea.search("sea", query)
    stats = asdict(sea.stats())
    assert set(stats["cache"]) == {"query_cache", "embedding_cache", "document_cache"}
    assert stats["cache"]["query_cache"]["max_size"] == 100
    sizes = {name: cache["size"] for name, cache in stats["cache"].items()}
    assert (sizes["query_cache"], sizes["embedding_cache"]) == (2, 2)
    assert stats["cache_memory_mb"] > empty


def test_everything_is_there_after_a_restart(open_knowledge):
    open_knowledge().ingest_text("sea", "whales.md", WHALES)
    again = open_knowledge()
    assert _names(again.search("sea", "whales")) == ["whales.md"]
    assert again.ingest_text("sea", "whales.md", WHALES).status == "unchanged"


def _is_cached(knowledge, query, top_k=10):
    return knowledge.searcher.is_cached("sea", query, SearchRequest(top_k))


def test_an_answer_is_held_in_memory_until_its_project_changes(sea):
    query = "where do whales sing"
    assert not sea.search("sea", query).cache_hit
    assert sea.search("sea", query).cache_hit
    assert not sea.search("sea", query, 3).cache_hit
    sea.ingest_text("sea", "more.md", "Whales sing at night too.")
    found = sea.search("sea", query)
    assert not found.cache_hit
    assert "more.md" in _names(found)


@pytest.mark.on_files
def test_an_answer_in_memory_is_known_without_the_database_until_its_project_changes(sea):
    query = "where do whales sing"
    assert not _is_cached(sea, query)
    sea.search("sea", query)
    assert _is_cached(sea, query)
    assert not _is_cached(sea, query, 3)
    sea.ingest_text("sea", "more.md", "Whales sing at night too.")
    assert not _is_cached(sea, query)


def test_a_project_that_was_just_searched_is_gone_at_once(sea):
    sea.search("sea", "whales")
    sea.projects.delete("sea")
    assert not _is_cached(sea, "whales")
    with pytest.raises(ProjectUnknown):
        sea.search("sea", "whales")


@pytest.mark.on_files
def test_nothing_is_remembered_from_a_database_that_was_replaced(sea, tmp_path):
    sea.search("sea", "whales")
    with sea.database.alone() as plain:
        plain.execute("VACUUM INTO ?", (str(sea.database.file.with_name("fresh.db")),))
    sea.search("sea", "whales")
    fresh = sea.database.file.with_name("fresh.db")
    sea.database.replace(fresh, sea.database.file.with_name("former.db"))
    assert not _is_cached(sea, "whales")
