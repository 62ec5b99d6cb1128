import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.monitoring.samples import named
from trimtab.monitoring.series import LOOKBACK_MS, Selection, SeriesStore

A, B = named("heat", room="a"), named("heat", room="b")
HEAT = Selection("heat")


def latest(store, at_ms, selection=HEAT):
    return {found.labels: (found.at_ms, found.value) for found in store.latest(selection, at_ms)}


def window(store, from_ms, to_ms):
    found = store.window(HEAT, from_ms, to_ms)
    return {w.labels: list(zip(w.times_ms, w.values, strict=True)) for w in found}


def test_the_newest_sample_is_found_until_it_is_five_minutes_old():
    store = SeriesStore()
    store.append("s", 1000, [(A, 1.0)])
    assert latest(store, 999) == {}
    assert latest(store, 1000 + LOOKBACK_MS) == {A: (1000, 1.0)}
    assert latest(store, 1001 + LOOKBACK_MS) == {}


def test_a_series_that_left_the_scrape_is_gone_at_once():
    store = SeriesStore()
    store.append("s", 1000, [(A, 1.0), (B, 2.0)])
    store.append("s", 2000, [(B, 2.0)])
    assert latest(store, 1999) == {A: (1000, 1.0), B: (1000, 2.0)}
    assert latest(store, 2000) == {B: (2000, 2.0)}


def test_a_source_does_not_end_the_series_of_another():
    store = SeriesStore()
    store.append("s", 1000, [(A, 1.0)])
    store.append("t", 2000, [(B, 2.0)])
    assert latest(store, 2000).keys() == {A, B}


def test_a_series_belongs_to_the_source_that_wrote_it_first():
    store = SeriesStore()
    store.append("s", 1000, [(A, 1.0)])
    store.append("t", 2000, [(A, 2.0)])
    assert (latest(store, 2000), store.refused_series) == ({A: (1000, 1.0)}, 1)


def test_a_batch_that_is_not_newer_is_refused():
    store = SeriesStore()
    store.append("s", 1000, [(A, 1.0)])
    store.append("s", 1000, [(A, 2.0)])
    assert (latest(store, 1000), store.refused_batches) == ({A: (1000, 1.0)}, 1)


def test_no_more_series_than_allowed_are_kept():
    store = SeriesStore(max_series=1)
    store.append("s", 1000, [(A, 1.0), (B, 2.0)])
    assert (latest(store, 1000).keys(), len(store), store.refused_series) == ({A}, 1, 1)


def test_old_samples_are_forgotten():
    store = SeriesStore(retention_seconds=60)
    for second in range(400):
        store.append("s", second * 1000, [(A, float(second))])
    (samples,) = window(store, 0, 400_000).values()
    assert samples[-61:] == [(second * 1000, float(second)) for second in range(339, 400)]
    assert len(samples) < 61 + 70


def test_a_series_that_ended_before_the_retention_makes_room():
    store = SeriesStore(retention_seconds=60, max_series=1)
    store.append("s", 0, [(A, 1.0)])
    for second in range(1, 200):
        store.append("s", second * 1000, [])
    store.append("s", 300_000, [(B, 1.0)])
    assert (len(store), store.metric_names(), latest(store, 300_000).keys()) == (1, {"heat"}, {B})


def test_a_series_that_never_changes_costs_next_to_nothing():
    store = SeriesStore()
    for second in range(1000):
        store.append("s", second * 1000, [(A, 7.0), (B, math.nan)])
    (series,) = [s for s in store._by_name["heat"].values() if s.labels == A]
    assert len(series.values) == 1
    assert window(store, 0, 999_000)[A] == [(second * 1000, 7.0) for second in range(1000)]


def test_appending_and_reading_may_happen_at_once():
    store = SeriesStore(retention_seconds=0.2)
    done = threading.Event()

    def read():
        while not done.is_set():
            for found in store.window(HEAT, 0, 10_000):
                assert len(found.times_ms) == len(found.values)

    reader = threading.Thread(target=read)
    reader.start()
    for at_ms in range(3000):
        store.append("s", at_ms, [(A, at_ms % 3)] if at_ms % 7 else [(B, 1.0)])
    done.set()
    reader.join()


VALUES = st.sampled_from([None, None, 0.0, 1.0, 1.0, math.nan, math.inf, -2.5])
ROWS = st.lists(st.tuples(st.integers(1, 200_000), VALUES, VALUES), min_size=1, max_size=40)


@given(rows=ROWS, start=st.integers(0, 2_000_000), length=st.integers(0, 900_000))
def test_runs_give_back_what_was_appended(rows, start, length):
    store, at_ms, expected = SeriesStore(), 0, {A: [], B: []}
    for step, first, second in rows:
        at_ms += step
        batch = [
            (labels, value) for labels, value in ((A, first), (B, second)) if value is not None
        ]
        store.append("s", at_ms, batch)
        for labels, value in batch:
            expected[labels].append((at_ms, value))
    inside = {
        labels: [sample for sample in samples if start <= sample[0] <= start + length]
        for labels, samples in expected.items()
    }
    found = window(store, start, start + length)
    assert repr(found) == repr({labels: inside[labels] for labels in found})
    assert found.keys() == {labels for labels, samples in inside.items() if samples}


@pytest.mark.parametrize(
    ("tests", "kept"),
    [
        ((), {A, B}),
        ((("room", "a".__eq__),), {A}),
        ((("room", "a".__ne__), ("floor", "".__eq__)), {B}),
        ((("floor", bool),), set()),
    ],
)
def test_every_test_of_a_selection_has_to_pass(tests, kept):
    store = SeriesStore()
    store.append("s", 1000, [(A, 1.0), (B, 2.0)])
    assert latest(store, 1000, Selection("heat", tests)).keys() == kept
