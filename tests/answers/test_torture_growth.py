"""The soak tells a leak from caches that fill, and names what grew."""

from collections import deque
from types import ModuleType

from cachetools import LRUCache

from tests.answers.torture import census
from tests.answers.torture.growth import grown, slope, verdict_of

REQUESTS = (5_000, 6_000, 7_000, 8_000, 9_000)
NOTHING = (0.0, 10.0)
WORDS = ["held", "by", "a module"]


class Shelf:
    """Holds containers under names."""

    def __init__(self):
        self.newest = deque([1, 2, 3], maxlen=5)
        self.cache = LRUCache(10)
        self.rows = [7] * 40


def test_a_block_for_each_request_is_a_leak_through_the_noise():
    noise = (90, -70, 30, -80, 60)
    left = slope(REQUESTS, [800_000 + n + off for n, off in zip(REQUESTS, noise, strict=True)])
    assert verdict_of(4_000, left, NOTHING) == "suspected"


def test_two_hundred_bytes_of_native_memory_for_each_request_are_a_leak():
    assert verdict_of(4_000, NOTHING, slope(REQUESTS, [200 * n for n in REQUESTS])) == "suspected"


def test_what_goes_up_and_down_is_none():
    left = slope(REQUESTS, (904_816, 905_120, 904_700, 905_300, 904_900))
    assert verdict_of(4_000, left, NOTHING) == "none"


def test_what_goes_up_and_down_too_much_cannot_be_told():
    left = slope(REQUESTS, (904_000, 909_000, 901_000, 908_000, 903_000))
    assert verdict_of(4_000, left, NOTHING) == "too noisy to tell"


def test_a_few_requests_tell_nothing():
    assert verdict_of(1_000, (5.0, 0.1), NOTHING) == "too few requests to tell"


def test_every_named_container_is_found_with_its_bound_among_however_many_modules():
    modules = [ModuleType(f"another{number}") for number in range(2500)]
    shelf = Shelf()
    found = census.counts()
    owner = f"{Shelf.__module__}.Shelf"
    assert found[f"{owner}.newest"] == (3, 5)
    assert found[f"{owner}.cache"] == (0, 10)
    assert found[f"{owner}.rows"] == (len(shelf.rows), None)
    assert found[f"{__name__}.WORDS"] == (3, None)
    del modules


def test_only_what_grew_is_named_with_its_bound():
    before = {"a.cache": (10, 100), "a.table": (500, None)}
    after = {"a.cache": (90, 100), "a.table": (501, None), "b.new": (30, None)}
    assert grown(before, after) == ["a.cache: 10 -> 90 of 100", "b.new: 0 -> 30 of None"]
