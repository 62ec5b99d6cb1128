"""The samples as users' incidents see them, and as a drill's do."""

import pytest

from trimtab.monitoring.labels import labels_of
from trimtab.monitoring.promql.evaluator import compile_expression
from trimtab.monitoring.series import SeriesStore
from trimtab.monitoring.views import SeriesView

APART = frozenset({"ratio", "asked_total", "none_yet"})


@pytest.fixture
def store():
    store = SeriesStore()
    for second in range(0, 120, 5):
        batch = [
            ("ratio", "", 0.9),
            ("ratio", "true", 0.1),
            ("asked_total", "", second),
            ("asked_total", "true", 10 * second),
            ("none_yet", "", 7),
            ("disk", "", 5),
        ]
        store.append(
            "scrape",
            second * 1000,
            [
                (labels_of({"__name__": name, "drill": mark}), float(value))
                for name, mark, value in batch
            ],
        )
    return store


def values(store, text, *, drill):
    found = compile_expression(text).evaluate(SeriesView(store, APART, drill=drill), 115_000)
    return [(dict(element.labels).get("drill"), element.value) for element in found]


@pytest.mark.parametrize(
    ("text", "users", "drills"),
    [
        ("ratio", [(None, 0.9)], [(None, 0.1)]),
        ("ratio > 0.5", [(None, 0.9)], []),
        ("ratio < 0.5", [], [(None, 0.1)]),
        ("max_over_time(asked_total[1m])", [(None, 115)], [(None, 1150)]),
        ("sum(asked_total)", [(None, 115)], [(None, 1150)]),
        ("disk", [(None, 5)], [(None, 5)]),
        ("ratio * disk", [(None, 4.5)], [(None, 0.5)]),
        ("none_yet", [(None, 7)], []),
        ('ratio{drill="true"}', [("true", 0.1)], [("true", 0.1)]),
        ('ratio{drill=""}', [(None, 0.9)], [(None, 0.9)]),
    ],
)
def test_each_kind_of_incident_sees_its_own_traffic(text, users, drills, store):
    assert values(store, text, drill=False) == users
    assert values(store, text, drill=True) == drills


def test_a_view_is_as_fresh_as_its_store(store):
    assert SeriesView(store, APART).newest_ms() == store.newest_ms() == 115_000
