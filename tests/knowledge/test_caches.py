"""Caches stay within their bounds and say why they miss."""

import math
import sys
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.knowledge.conftest import HandClock
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.knowledge.cache_manager import CacheSizes
from trimtab.knowledge.caches import BoundedCache, CacheLimits
from trimtab.knowledge.metrics import SearchMetrics
from trimtab.knowledge.records import FoundPassage, SearchResult
from trimtab.knowledge.search import _estimate_bytes
from trimtab.knowledge.validation import parse_query_list


def _cache(entries=3, memory=10**6, clock=None):
    limits = CacheLimits(entries, memory, window_seconds=300, window_lookups=4)
    return BoundedCache(limits, clock or HandClock())


@given(st.lists(st.tuples(st.integers(0, 9), st.text(max_size=30)), max_size=80))
def test_neither_entries_nor_bytes_ever_exceed_their_bounds(puts):
    cache = _cache(entries=4, memory=60)
    for key, text in puts:
        cache.put(key, text, len(text))
        stats = cache.stats()
        assert stats.size <= 4
        assert stats.memory_bytes == sum(map(len, cache.held())) <= 60


def test_what_was_not_used_longest_leaves_first():
    cache = _cache(entries=2)
    cache.put("a", "1", 1)
    cache.put("b", "2", 1)
    cache.get("a")
    cache.put("c", "3", 1)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == ("1", None, "3")


def test_the_hit_ratio_is_that_of_the_last_while():
    clock = HandClock()
    cache = _cache(clock=clock)
    for key in "abcd":
        cache.get(key)
    assert cache.hit_ratio() == 0
    clock.seconds += 400
    cache.put("a", "1", 1)
    for _ in range(4):
        cache.get("a")
    assert cache.hit_ratio() == 1


def test_too_few_lookups_give_no_ratio():
    cache = _cache()
    cache.get("a")
    assert math.isnan(cache.hit_ratio())


@pytest.mark.feature("F673")
def test_a_cache_that_is_too_small_regrets_what_it_dropped():
    cache = _cache(entries=2)
    for key in "abcabcabc":
        if cache.get(key) is None:
            cache.put(key, key, 1)
    assert cache.regret_ratio() > 0.5
    assert cache.evictions_per_minute() > 0


def test_a_cold_cache_regrets_nothing():
    cache = _cache(entries=100)
    for key in "abcdefgh":
        if cache.get(key) is None:
            cache.put(key, key, 1)
    assert cache.regret_ratio() == 0


@pytest.mark.feature("F688")
def test_diversity_is_the_share_of_distinct_queries():
    metrics = SearchMetrics(KnowledgeSettings(cache_window_lookups=4), HandClock())
    metrics.queries.extend(map(hash, "aab"))
    assert math.isnan(metrics.diversity())
    metrics.queries.append(hash("c"))
    assert metrics.diversity() == 0.75


@pytest.mark.feature("F683")
@pytest.mark.feature("F684")
def test_queries_that_differ_in_case_spaces_and_order_share_an_entry(knowledge):
    knowledge.ingest_text("sea", "a.md", "Whales sing.")
    knowledge.search("sea", "Whales  SING")
    assert knowledge.search("sea", " sing whales ").cache_hit


def test_a_change_of_the_project_is_seen_at_once(knowledge):
    knowledge.ingest_text("sea", "a.md", "Whales sing.")
    knowledge.search("sea", "whales")
    knowledge.ingest_text("sea", "b.md", "Whales dive.")
    assert not knowledge.search("sea", "whales").cache_hit


def test_chosen_sizes_survive_a_restart_until_they_are_given_back(open_knowledge):
    open_knowledge().caches.resize(CacheSizes(500, 5000))
    again = open_knowledge()
    assert again.caches.sizes() == CacheSizes(500, 5000, 2048)
    again.caches.resize(CacheSizes(0, 0))
    assert again.caches.sizes() == CacheSizes(100, 1000, 2048)


@pytest.mark.feature("F519")
def test_the_frequent_queries_warm_the_cache_after_a_restart(open_knowledge):
    knowledge = open_knowledge()
    knowledge.ingest_text("sea", "a.md", "Whales sing.")
    for query in ("whales", "whales", "songs"):
        knowledge.search("sea", query)
    again = open_knowledge()
    assert again.warm_cache(top=1).asked == 1
    assert again.search("sea", "whales").cache_hit
    assert not again.search("sea", "songs").cache_hit


def test_deleting_a_project_forgets_its_queries(knowledge):
    knowledge.ingest_text("sea", "a.md", "Whales sing.")
    knowledge.search("sea", "whales")
    knowledge.beat()
    knowledge.projects.delete("sea")
    knowledge.beat()
    assert knowledge.caches.frequent_queries(10) == []


@pytest.mark.feature("F686")
def test_a_file_of_queries_may_carry_counts():
    assert parse_query_list("     12 whales sing\n3 deserts\nplain query\n\n 2 null\n") == [
        "whales sing",
        "deserts",
        "plain query",
    ]


def deep_size(value):
    """Return the bytes of a record with everything in it."""
    parts = ()
    if is_dataclass(value):
        parts = [getattr(value, field.name) for field in fields(value)]
    elif isinstance(value, tuple):
        parts = value
    return sys.getsizeof(value) + sum(deep_size(part) for part in parts)


@pytest.mark.parametrize("marks", [0, 15, 200])
@pytest.mark.parametrize("length", [0, 700, 5000])
def test_a_cached_result_weighs_no_less_than_it_holds(marks, length):
    spans = tuple((1000 + number, 2000 + number) for number in range(marks))
    passage = FoundPassage(
        chunk_id="chunk_" + "a" * 26,
        document_id="document_" + "b" * 26,
        document_name="handbook/some/page.md",
        title="A page of the handbook",
        text="x" * length,
        start=10_000,
        end=10_000 + length,
        page=None,
        heading="A > B > C",
        score=0.5,
        keyword_score=1.5,
        vector_score=0.25,
        highlights=spans,
    )
    result = SearchResult(
        (passage,) * 10, degraded_mode=False, cache_hit=False, index_version=7, duration_ms=1.5
    )
    assert _estimate_bytes(result) >= deep_size(result)
