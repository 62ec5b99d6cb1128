"""The log line of a query, as the operations documents' log commands read it."""

from collections import Counter

import pytest

from tests.slow_model import SlowModel
from trimtab.knowledge.validation import parse_query_list


def lines(caplog):
    return [vars(record) for record in caplog.records if record.message == "query"]


@pytest.fixture
def sea(open_knowledge, caplog):
    caplog.set_level("INFO")
    knowledge = open_knowledge(log_queries=True)
    knowledge.ingest_text("sea", "whales.md", "Whales sing.")
    return knowledge


@pytest.mark.feature("F512")
def test_a_slow_query_is_found_by_its_duration(sea, caplog):
    sea.search("sea", "whales")
    sea.encoder._model = SlowModel(sea.encoder._model, 0.6, sea.encoder._machine)
    sea.search("sea", "songs")
    slow = [line["query"] for line in lines(caplog) if line["query_duration_ms"] > 500]
    assert slow == ["songs"]


@pytest.mark.feature("F513")
def test_queries_can_be_grouped_by_project_kind_and_time(sea, caplog):
    sea.search("sea", "whales")
    sea.encoder.unload()
    sea.search("sea", "where do they sing")
    kinds = [(line["project"], line["terms"], line["degraded_mode"]) for line in lines(caplog)]
    assert kinds == [("sea", 1, False), ("sea", 4, True)]
    assert all(line["created"] > 0 for line in lines(caplog))


@pytest.mark.feature("F679")
def test_each_query_says_whether_the_cache_answered_it(sea, caplog):
    for query in ("whales", "Whales", "songs"):
        sea.search("sea", query)
    hits = [(line["query"], line["cache_hit"]) for line in lines(caplog)]
    assert hits == [("whales", False), ("Whales", True), ("songs", False)]


@pytest.mark.feature("F685")
def test_the_top_queries_of_the_log_warm_the_cache(sea, caplog):
    for query in ("whales", "songs", "whales"):
        sea.search("sea", query)
    counted = Counter(line["query"] for line in lines(caplog)).most_common(1)
    top = "".join(f"{count:7} {query}\n" for query, count in counted)
    sea.caches.empty()
    assert sea.warm_cache(queries=parse_query_list(top), project="sea").asked == 1
    assert sea.search("sea", "whales").cache_hit


def test_a_query_is_not_logged_by_itself(open_knowledge, caplog):
    caplog.set_level("DEBUG")
    knowledge = open_knowledge()
    knowledge.projects.create("sea")
    knowledge.search("sea", "something private")
    assert "query" not in lines(caplog)[0]
    assert "something private" not in caplog.text


@pytest.mark.feature("F652")
def test_loading_the_model_leaves_a_line_that_names_it(sea, caplog):
    caplog.clear()
    sea.reload_model()
    (line,) = [record for record in caplog.records if "embedding_model" in record.message]
    assert (line.message, line.model) == ("embedding_model loaded", "words/1")
