import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.knowledge.index import VectorIndex
from trimtab.knowledge.index.vectors import best_first

DIMENSION = 24


def unit_rows(seed, count, dimension=DIMENSION):
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def filled(count, exact_limit, seed=0):
    index = VectorIndex(DIMENSION, exact_limit)
    index.add(np.arange(count), unit_rows(seed, count))
    return index


def exact_top(rows, query, limit):
    return np.argsort(-(rows @ query), kind="stable")[:limit].tolist()


def test_a_small_index_is_exact():
    index, rows = filled(300, exact_limit=1000), unit_rows(0, 300)
    assert index.engine == "exact"
    for query in unit_rows(1, 20):
        assert index.search(query, 10).keys.tolist() == exact_top(rows, query, 10)


def test_a_large_index_is_a_graph_that_finds_nearly_all():
    index, rows = filled(3000, exact_limit=1000), unit_rows(0, 3000)
    assert index.engine == "hnsw"
    hits = [
        len(set(index.search(query, 10).keys.tolist()) & set(exact_top(rows, query, 10)))
        for query in unit_rows(1, 50)
    ]
    assert np.mean(hits) >= 9.5


def test_cosines_come_from_the_stored_vectors_whatever_the_engine():
    rows, (query,) = unit_rows(0, 3000), unit_rows(1, 1)
    for limit in (100, 10_000):
        nearest = filled(3000, exact_limit=limit).search(query, 10)
        np.testing.assert_allclose(nearest.cosines, rows[nearest.keys] @ query, atol=1e-3)
        assert (np.diff(nearest.cosines) <= 0).all()


@pytest.mark.parametrize(("exact_limit", "fewest_right"), [(20, 45), (10_000, 50)])
def test_only_allowed_passages_are_found(exact_limit, fewest_right):
    index, rows = filled(500, exact_limit), unit_rows(0, 500)
    allowed = np.arange(0, 500, 3)
    right = 0
    for query in unit_rows(1, 10):
        keys = set(index.search(query, 5, allowed).keys.tolist())
        assert len(keys) == 5
        assert keys <= set(allowed.tolist())
        # A graph is made by several threads and finds nearly all of them.
        right += len(keys & set(allowed[exact_top(rows[allowed], query, 5)].tolist()))
    assert right >= fewest_right


def test_the_engine_changes_with_the_size_and_back():
    index = VectorIndex(DIMENSION, exact_limit=100)
    engines = []
    for start in range(0, 200, 50):
        index.add(np.arange(start, start + 50), unit_rows(start, 50))
        engines.append(index.engine)
    index.remove(np.arange(0, 90))
    engines.append(index.engine)
    index.remove(np.arange(90, 160))
    engines.append(index.engine)
    assert engines == ["exact", "exact", "hnsw", "hnsw", "hnsw", "exact"]


CHANGES = st.lists(st.tuples(st.booleans(), st.sets(st.integers(0, 60), min_size=1)), max_size=20)


@given(CHANGES, st.sampled_from([8, 1000]))
def test_any_history_of_changes_holds_exactly_what_remains(changes, exact_limit):
    index, rows, there = VectorIndex(DIMENSION, exact_limit), unit_rows(5, 61), set()
    for add, keys in changes:
        chosen = np.array(sorted(keys))
        if add:
            index.add(chosen, rows[chosen])
            there |= keys
        else:
            index.remove(chosen)
            there -= keys
    assert index.keys.tolist() == sorted(there)
    nearest = index.search(rows[0], 100)
    assert (nearest is None) == (not there)
    assert nearest is None or set(nearest.keys.tolist()) <= there
    for key in sorted(there)[:3]:
        assert index.search(rows[key], 1).keys.tolist() == [key]


def test_a_vector_added_again_is_replaced():
    index, rows = filled(10, exact_limit=100), unit_rows(9, 1)
    index.add(np.array([3]), rows)
    known, stored = index.vectors(np.array([3, 99]))
    assert known.tolist() == [3]
    assert (stored == rows.astype(np.float16)).all()
    assert len(index) == 10


def test_an_empty_index_finds_nothing():
    index = VectorIndex(DIMENSION)
    assert index.search(unit_rows(0, 1)[0], 5) is None
    assert len(index.vectors(np.array([1]))[0]) == 0


@pytest.mark.parametrize(("exact_limit", "tolerance"), [(10_000, 1e-6), (1000, 0.01)])
def test_the_spread_of_cosines_is_that_of_all_passages(exact_limit, tolerance):
    index, rows = filled(5000, exact_limit), unit_rows(0, 5000)
    query = unit_rows(1, 1)[0]
    nearest = index.search(query, 5)
    assert nearest.mean == pytest.approx((rows @ query).mean(), abs=tolerance)
    assert nearest.deviation == pytest.approx((rows @ query).std(), abs=tolerance)


@given(st.lists(st.sampled_from([-1.0, 0.0, 0.25, 0.5]), max_size=40), st.integers(0, 45))
def test_the_best_are_the_first_of_all_in_order_even_among_equals(scores, limit):
    keys = np.arange(len(scores))[::-1].copy()
    found, values = best_first(keys, np.array(scores, np.float32), limit)
    ordered = sorted(zip(scores, keys.tolist(), strict=True), key=lambda one: (-one[0], one[1]))
    assert list(zip(values.tolist(), found.tolist(), strict=True)) == ordered[:limit]
