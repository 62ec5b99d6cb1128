from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from trimtab.kernel.ids import content_id, new_id

instants = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(instants, st.integers(min_value=1, max_value=10**9))
def test_a_later_id_sorts_after_an_earlier_one(at, milliseconds):
    later = at + timedelta(milliseconds=milliseconds)
    assert new_id("x", at) < new_id("x", later)


def test_two_ids_of_one_instant_differ():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert len({new_id("x", at) for _ in range(1000)}) == 1000


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_content_ids_are_equal_exactly_when_the_parts_are(one, other):
    assert (content_id("c", *one) == content_id("c", *other)) == (one == other)
