"""Sizes of the query cache are compared on recorded queries."""

import pytest

from trimtab.evaluation.offline.cache_trial import RecordedQuery, replay


def recorded(text, milliseconds=40.0, *, was_hit=False):
    return RecordedQuery(text, milliseconds, was_hit)


@pytest.mark.feature("F697")
def test_a_larger_cache_hits_where_a_smaller_one_has_evicted():
    queries = [recorded(text) for text in "abcabc"] + [recorded("a", 1.0, was_hit=True)]
    small, large = replay(queries, 2), replay(queries, 3)
    assert (small.hits, large.hits) == (0, 4)
    assert large.hit_ratio == pytest.approx(4 / 7)
    assert small.mean_ms == pytest.approx(40.0)
    assert large.mean_ms == pytest.approx((3 * 40 + 4 * 1) / 7, abs=1e-3)


def test_the_least_recently_used_entry_is_evicted():
    queries = [recorded(text) for text in "abacb"]
    assert replay(queries, 2).hits == 1  # `a` was used again, so `c` evicts `b`.


def test_times_that_the_record_does_not_tell_are_unknown():
    trial = replay([recorded("a"), recorded("a")], 1)
    assert (trial.hits, trial.mean_ms, trial.p95_ms) == (1, None, None)
    only_misses = replay([recorded("a"), recorded("b")], 1)
    assert only_misses.mean_ms == 40.0


def trace(question, *, version="v1", top_k=5, stages=None):
    retrieve = {"name": "retrieve", "duration_ms": 12.5, "facts": {"cache_hit": False}}
    return {
        "answer": {"project": "p", "question": question},
        "index_version": version,
        "top_k": top_k,
        "stages": [retrieve] if stages is None else stages,
    }


def test_the_key_is_that_of_the_service():
    key = RecordedQuery.of_trace(trace("Which port is open?")).key
    assert RecordedQuery.of_trace(trace("open? port  which IS")).key == key
    assert RecordedQuery.of_trace(trace("Which port is open?", version="v2")).key != key
    assert RecordedQuery.of_trace(trace("Which port is open?", top_k=6)).key != key


def test_a_question_that_was_blocked_before_retrieval_is_left_out():
    assert RecordedQuery.of_trace(trace("?", stages=[{"name": "guard_question", "duration_ms": 1, "facts": {}}])) is None  # fmt: skip
