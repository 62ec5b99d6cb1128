"""Stores of the knowledge domain whose other tests run on SQLite alone."""

import pytest

from trimtab.knowledge.errors import ProjectUnknown


@pytest.fixture
def sea(knowledge):
    knowledge.ingest_text("sea", "eels.md", "# Eels\n\nEels swim far.\n\n# Home\n\nThey come back.")
    knowledge.ingest_text("sea", "Board.md", "Salaries of the board.")
    knowledge.documents.set_metadata("sea", "Board.md", labels=["board"])
    return knowledge


@pytest.fixture
def stores(sea):
    return sea.parts.stores


def id_of(knowledge, name):
    return knowledge.documents.get("sea", name).id


def test_a_project_has_the_engine_that_was_assigned_last(stores):
    row = stores.projects.find("sea")
    assert stores.engines.projects() == []
    stores.engines.assign(row.key, "qdrant")
    assert [(each.name, each.engine) for each in stores.engines.projects()] == [("sea", "qdrant")]
    assert stores.search.version(row.key) > row.index_version
    with pytest.raises(ProjectUnknown):
        stores.engines.assign(row.key + 1, "qdrant")


def test_a_space_that_is_noted_twice_is_one_and_is_forgotten_once(stores):
    for space in ("one", "two", "one"):
        stores.engines.note_space("qdrant", space)
    assert sorted(stores.engines.spaces()) == [("qdrant", "one"), ("qdrant", "two")]
    for _ in range(2):
        stores.engines.forget_space("qdrant", "one")
    assert stores.engines.spaces() == [("qdrant", "two")]


def test_engines_take_in_each_passage_with_its_labels(stores):
    row = stores.projects.find("sea")
    stamps = stores.engines.stamps(row.key, "words/1")
    keys, rows = stores.engines.vectors(stores.search.keys(row.key, "words/1")[0], "words/1")
    points = stores.engines.points(list(stamps), "words/1")
    assert list(stamps) == list(keys) == sorted(keys)
    assert len(rows) == len(points) == len(set(stamps.values()))
    assert sorted({tuple(each.labels) for each in points}) == [(), ("board",)]
    assert stores.engines.stamps(row.key, "other/1") == {}


def test_labels_hide_a_document_from_those_without(sea, stores):
    ids = [id_of(sea, name) for name in ("eels.md", "Board.md")]
    assert stores.labels.hidden(ids, []) == {ids[1]}
    assert stores.labels.hidden(ids, ["staff", "board"]) == set()


def test_documents_are_found_by_a_part_of_their_name_in_any_case(stores, sea):
    found, total = stores.reader.named_like("sea", "BOARD", 10, 0, None)
    assert ([each.name for each in found], total) == (["Board.md"], 1)
    assert stores.reader.named_like("sea", "BOARD", 10, 0, []) == ((), 0)
    assert stores.reader.named_like("sea", "%", 10, 0, None) == ((), 0)
    page, total = stores.reader.named_like("sea", "", 1, 1, None)
    assert ([each.name for each in page], total) == (["eels.md"], 2)
    assert stores.reader.labels(id_of(sea, "Board.md")) == ("board",)


def test_passages_come_in_their_order_and_by_id(stores, sea):
    passages = stores.reader.passages(id_of(sea, "eels.md"), 10, 0)
    assert [each.ordinal for each in passages] == list(range(len(passages)))
    assert stores.reader.passages(id_of(sea, "eels.md"), 10, len(passages)) == ()
    hidden = stores.reader.passages(id_of(sea, "Board.md"), 10, 0)
    ids = [each.id for each in (*passages, *hidden)]
    assert stores.reader.passages_by_id(ids, None).keys() == set(ids)
    assert stores.reader.passages_by_id(ids, []).keys() == {each.id for each in passages}


def test_frequent_queries_are_counted_and_the_rarest_forgotten(stores):
    key = stores.projects.find("sea").key
    stores.usage.count({(key, "eels"): 5, (key, "gulls"): 1}, most=10)
    stores.usage.count({(key, "eels"): 2, (key, "crabs"): 3}, most=2)
    assert stores.usage.frequent(10) == [("sea", "eels"), ("sea", "crabs")]
    assert stores.usage.asked_often(7) == [(key, "eels")]
    assert stores.usage.forget() == 2
    assert stores.usage.frequent(10) == []


def test_sizes_of_caches_are_those_set_last(stores):
    stores.usage.tune({"query": 100, "embedding": 200})
    stores.usage.tune({"query": 300})
    assert stores.usage.tuned()["query"] == 300
