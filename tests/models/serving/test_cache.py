"""The result cache is bounded by age and memory, and tells versions apart."""

import numpy as np
import pytest

from trimtab.models.rows import Outputs
from trimtab.models.serving.cache import CachedResult, ResultCache

RESULT = CachedResult(Outputs(np.array([0.5]), np.array([0.5])), b"[]")
SIZE = 2 + 4 * 2 + 400
"""Of an entry whose input has two bytes."""


class Time:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


def cache_of(time, ttl=10.0, entries=3):
    return ResultCache(ttl, entries * SIZE, time)


def keep(cache, *inputs):
    for each in inputs:
        cache.keep("v1", each, RESULT)


def kept(cache, *inputs):
    return [each for each in inputs if cache.find("v1", each) is not None]


def test_a_result_is_found_for_its_version_and_input_alone(time):
    cache = cache_of(time)
    keep(cache, b"aa")
    assert cache.find("v1", b"aa") is RESULT
    assert cache.find("v2", b"aa") is None
    assert cache.find("v1", b"ab") is None
    assert (cache.hits, cache.misses, cache.used_bytes) == (1, 2, SIZE)


def test_a_result_ends_at_its_age(time):
    cache = cache_of(time)
    keep(cache, b"aa")
    time.now += 9.9
    assert kept(cache, b"aa") == [b"aa"]
    time.now += 0.1
    assert kept(cache, b"aa") == []
    assert cache.used_bytes == 0


def test_a_result_that_is_kept_again_is_new_and_counts_once(time):
    cache = cache_of(time)
    keep(cache, b"aa")
    time.now += 9
    keep(cache, b"aa")
    time.now += 9
    assert kept(cache, b"aa") == [b"aa"]
    assert cache.used_bytes == SIZE


def test_the_least_recently_used_one_goes_when_it_is_full(time):
    cache = cache_of(time)
    keep(cache, b"aa", b"bb", b"cc")
    assert cache.used_bytes == 3 * SIZE == cache.max_bytes
    assert kept(cache, b"aa") == [b"aa"]
    keep(cache, b"dd")
    assert kept(cache, b"aa", b"bb", b"cc", b"dd") == [b"aa", b"cc", b"dd"]
    assert cache.used_bytes == 3 * SIZE


def test_what_is_too_old_makes_room_first(time):
    cache = cache_of(time)
    keep(cache, b"aa")
    time.now += 5
    keep(cache, b"bb", b"cc")
    time.now += 5
    keep(cache, b"dd")
    assert kept(cache, b"aa", b"bb", b"cc", b"dd") == [b"bb", b"cc", b"dd"]


def test_a_result_larger_than_the_cache_is_not_kept(time):
    cache = cache_of(time, entries=1)
    keep(cache, b"aa", b"too")
    assert kept(cache, b"aa", b"too") == [b"aa"]


@pytest.mark.parametrize(("ttl", "entries"), [(0, 3), (10, 0)])
def test_without_age_or_memory_nothing_is_kept(time, ttl, entries):
    cache = cache_of(time, ttl, entries)
    keep(cache, b"aa")
    assert (kept(cache, b"aa"), cache.used_bytes, cache.misses) == ([], 0, 0)


def test_a_cleared_or_resized_cache_is_empty(time):
    cache = cache_of(time)
    keep(cache, b"aa")
    cache.clear()
    assert (kept(cache, b"aa"), cache.used_bytes) == ([], 0)
    keep(cache, b"aa")
    cache.resize(10.0, SIZE)
    assert (kept(cache, b"aa"), cache.used_bytes, cache.max_bytes) == ([], 0, SIZE)
