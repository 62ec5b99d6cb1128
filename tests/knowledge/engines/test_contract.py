"""What every server of vectors must do, asked of each real one."""

import threading
from uuid import uuid4

import numpy as np
import pytest

from trimtab.knowledge.engines import Point, SearchFilter
from trimtab.knowledge.engines.postgres import PostgresEngine
from trimtab.knowledge.index import VectorIndex

DIMENSION = 32
# What Qdrant's client says when it plays the server itself.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact"),
]


def vectors(count, seed=1):
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16).astype(np.float32)


def points(rows, first=1, **more):
    return [Point(first + at, f"s{first + at}", row, **more) for at, row in enumerate(rows)]


@pytest.fixture
def space(engine):
    name = f"trimtab_{uuid4().hex}_{DIMENSION}"
    yield name
    engine.drop(name)


@pytest.fixture
def other(engine):
    name = f"trimtab_{uuid4().hex}_{DIMENSION}"
    yield name
    engine.drop(name)


def test_the_nearest_points_are_found_best_first(engine, space):
    rows = vectors(200)
    engine.put(space, points(rows))
    expected = np.argsort(-(rows @ rows[7]))[:10] + 1
    assert engine.nearest(space, rows[7], 10, SearchFilter()) == expected.tolist()


def test_a_point_put_again_replaces_the_former_one(engine, space):
    rows = vectors(3)
    engine.put(space, points(rows[:2]))
    engine.put(space, [Point(1, "new", rows[2], labels=("x",))])
    assert engine.stamps(space) == {1: "new", 2: "s2"}
    assert engine.nearest(space, rows[2], 1, SearchFilter()) == [1]
    assert engine.nearest(space, rows[2], 5, SearchFilter(labels=("y",))) == [2]


def test_a_label_that_is_taken_away_is_gone(engine, space):
    row = vectors(1)[0]
    engine.put(space, [Point(1, "a", row, ("t",), ("board",))])
    engine.put(space, [Point(1, "b", row)])
    assert engine.nearest(space, row, 5, SearchFilter(labels=("staff",))) == [1]
    assert engine.nearest(space, row, 5, SearchFilter(tags=("t",))) == []


def test_a_removed_point_is_never_found(engine, space):
    rows = vectors(10)
    engine.put(space, points(rows))
    engine.remove(space, [3, 4, 999])
    assert set(engine.nearest(space, rows[2], 10, SearchFilter())) == {1, 2, 5, 6, 7, 8, 9, 10}
    assert 3 not in engine.stamps(space)


def test_labels_are_filtered_before_ranking(engine, space):
    rows = vectors(400)
    secret = points(rows[:390], labels=("board",))
    engine.put(space, [*secret, *points(rows[390:], first=391, labels=("staff", "press"))])
    found = engine.nearest(space, rows[0], 10, SearchFilter(labels=("staff",)))
    assert sorted(found) == list(range(391, 401))


def test_a_caller_without_labels_sees_what_has_none(engine, space):
    rows = vectors(2)
    engine.put(space, [Point(1, "a", rows[0], labels=("board",)), Point(2, "b", rows[1])])
    assert engine.nearest(space, rows[0], 5, SearchFilter(labels=())) == [2]
    assert engine.nearest(space, rows[0], 5, SearchFilter(labels=("board",))) == [1, 2]
    assert engine.nearest(space, rows[0], 5, SearchFilter(labels=None)) == [1, 2]


def test_only_points_with_all_of_the_tags_are_found(engine, space):
    rows = vectors(3)
    tags = [("ops",), ("ops", "2026"), ()]
    engine.put(space, [Point(n, "s", rows[n], tags=tags[n]) for n in range(3)])
    assert engine.nearest(space, rows[0], 5, SearchFilter(tags=("ops", "2026"))) == [1]
    assert sorted(engine.nearest(space, rows[0], 5, SearchFilter(tags=("ops",)))) == [0, 1]


@pytest.mark.parametrize("word", ["o'brien", 'say "no"', "größe 🐳", "$or", "a.b", "x" * 200, "{}"])
def test_any_text_can_be_a_label(engine, space, word):
    rows = vectors(2)
    engine.put(space, [Point(1, "a", rows[0], labels=(word,)), Point(2, "b", rows[1], ("t",))])
    assert engine.nearest(space, rows[0], 5, SearchFilter(labels=(word,))) == [1, 2]
    assert engine.nearest(space, rows[0], 5, SearchFilter(labels=("other",))) == [2]


def test_one_space_never_shows_another(engine, space, other):
    rows = vectors(4)
    engine.put(space, points(rows[:2]))
    engine.put(other, points(rows[2:], first=3))
    assert sorted(engine.nearest(space, rows[3], 10, SearchFilter())) == [1, 2]
    engine.drop(other)
    assert engine.stamps(other) == {}
    assert sorted(engine.stamps(space)) == [1, 2]


def test_vectors_come_back_as_they_went(engine, space):
    rows = vectors(5)
    engine.put(space, points(rows))
    back = engine.vectors(space, [2, 4, 77])
    assert sorted(back) == [2, 4]
    assert np.allclose(back[4], rows[3], atol=1e-6)


def test_a_space_that_is_not_there_holds_nothing(engine, space):
    assert engine.stamps(space) == {}
    engine.remove(space, [1])
    engine.drop(space)


def test_many_points_are_listed_whole(engine, space):
    rows = vectors(2500)
    for start in range(0, 2500, 500):
        engine.put(space, points(rows[start : start + 500], first=start))
    assert engine.stamps(space) == {n: f"s{n}" for n in range(2500)}


def test_nearly_all_of_the_true_neighbours_are_found(engine, space):
    rows = vectors(2000)
    engine.put(space, points(rows, first=0))
    exact = VectorIndex(DIMENSION)
    exact.add(np.arange(2000), rows)
    shares = []
    for query in vectors(20, seed=2):
        true = set(exact.search(query, 10).keys.tolist())
        shares.append(len(true & set(engine.nearest(space, query, 10, SearchFilter()))) / 10)
    assert np.mean(shares) >= 0.95


def test_searches_run_beside_changes(engine, space):
    if engine.name == "qdrant":
        pytest.skip("What stands in for Qdrant's server is not safe for threads; the server is.")
    rows = vectors(300)
    engine.put(space, points(rows[:100]))
    failed = []

    def search():
        try:
            for row in rows[:40]:
                assert engine.nearest(space, row, 5, SearchFilter())
        except Exception as error:  # noqa: BLE001 - told to the test's own thread.
            failed.append(error)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for start in range(100, 300, 50):
        engine.put(space, points(rows[start : start + 50], first=start + 1))
    for thread in threads:
        thread.join()
    assert not failed


def test_postgres_finds_by_a_graph_once_a_project_is_large(servers):
    engine = PostgresEngine(servers["postgres"].url, 5.0, exact_limit=1000)
    space, rows = f"trimtab_{uuid4().hex}_{DIMENSION}", vectors(1500)
    for start in range(0, 1500, 500):
        labels = ("board",) if start else ()
        engine.put(space, points(rows[start : start + 500], first=start, labels=labels))
    assert "_graph" in plan_of(servers["postgres"].url, space)
    exact = VectorIndex(DIMENSION)
    exact.add(np.arange(1500), rows)
    open_ones = np.arange(500)
    shares = []
    for query in vectors(20, seed=2):
        for seen, allowed in ((SearchFilter(), None), (SearchFilter(labels=()), open_ones)):
            true = set(exact.search(query, 10, allowed).keys.tolist())
            shares.append(len(true & set(engine.nearest(space, query, 10, seen))) / 10)
    assert np.mean(shares) >= 0.95
    engine.drop(space)
    engine.close()


def plan_of(url, space):
    """Return how PostgreSQL would search, when a scan of the whole table is out of the question."""
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("SET enable_seqscan = off")
        asked = f"EXPLAIN SELECT key FROM {space} ORDER BY vector <#> '{[0.5] * DIMENSION}' LIMIT 9"
        return str(connection.execute(asked).fetchall())
