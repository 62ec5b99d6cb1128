"""What functions keep is made once, bounded, and gone when it is to be forgotten."""

from trimtab.kernel.erasable_cache import cached_count, clear_all, erasable_lru_cache


def test_a_result_is_made_once_until_it_is_forgotten():
    made = []

    @erasable_lru_cache(10)
    def length(word):
        made.append(word)
        return len(word)

    assert [length("whale"), length("whale"), length("sea")] == [5, 5, 3]
    assert made == ["whale", "sea"]
    assert cached_count() >= 2
    clear_all()
    assert cached_count() == 0
    assert length("whale") == 5
    assert made == ["whale", "sea", "whale"]


def test_no_more_than_the_last_are_kept():
    made = []

    @erasable_lru_cache(2)
    def itself(word):
        made.append(word)
        return word

    for word in ("a", "b", "c", "a"):
        itself(word)
    assert made == ["a", "b", "c", "a"]
