"""No expression, whoever wrote it, keeps the process busy for long."""

import pytest

from trimtab.monitoring.cost import Cost, QueryLimits
from trimtab.monitoring.errors import EvaluationFailed, QueryTooExpensive
from trimtab.monitoring.labels import labels_of
from trimtab.monitoring.promql.evaluator import compile_expression
from trimtab.monitoring.series import SeriesStore


def store_of(series, scrapes):
    store = SeriesStore(retention_seconds=86_400)
    batch = [labels_of({"__name__": "m", "n": f"{'a' * 20}{n}"}) for n in range(series)]
    for scrape in range(scrapes):
        store.append("scrape", scrape * 1000, [(labels, float(scrape)) for labels in batch])
    return store


def evaluate(text, store, at_ms, **limits):
    cost = Cost(QueryLimits(**limits))
    return compile_expression(text).evaluate(store, at_ms, cost), cost


def test_ten_samples_are_within_a_limit_of_eleven_with_the_result():
    found, cost = evaluate("sum_over_time(m[1h])", store_of(1, 10), 9000, samples=11)
    assert (found[0].value, cost.samples) == (45, 11)


@pytest.mark.parametrize("samples", [9, 10])
def test_a_range_with_more_samples_than_the_limit_is_refused(samples):
    with pytest.raises(QueryTooExpensive, match=f"more than {samples} samples"):
        evaluate("sum_over_time(m[1h])", store_of(1, 10), 9000, samples=samples)


def test_results_of_parts_count_like_samples():
    with pytest.raises(QueryTooExpensive, match="samples"):
        evaluate("abs(abs(m))", store_of(5, 1), 0, samples=14)
    assert evaluate("abs(abs(m))", store_of(5, 1), 0, samples=15)[1].samples == 15


def test_more_series_than_the_limit_are_refused():
    assert evaluate('m{n="x"} or m{n="y"}', store_of(5, 1), 0, series=10)[0] == []
    with pytest.raises(QueryTooExpensive, match="more than 9 series"):
        evaluate('m{n="x"} or m{n="y"}', store_of(5, 1), 0, series=9)


def test_an_evaluation_ends_at_its_deadline():
    ticks = iter([0.0, 0.5, 1.01])
    cost = Cost(QueryLimits(seconds=1.0), timer=lambda: next(ticks))
    cost.add_samples(1000)
    with pytest.raises(QueryTooExpensive, match="longer than 1 s"):
        cost.add_samples(1000)


def test_a_label_cannot_be_doubled_without_end():
    text = "m"
    for _ in range(30):
        text = f'label_join({text}, "n", "", "n", "n")'
    with pytest.raises(EvaluationFailed, match="4096 characters"):
        compile_expression(text).evaluate(store_of(1, 1), 0)
    for _ in range(2):
        assert compile_expression('label_join(m, "n", "", "n", "n")').evaluate(store_of(1, 1), 0)


def test_a_replacement_cannot_grow_a_label_without_end():
    text = f'label_replace(m, "n", "{"$1" * 250}", "n", "(.*)")'
    with pytest.raises(EvaluationFailed, match="4096 characters"):
        compile_expression(text).evaluate(store_of(1, 1), 0)


HOSTILE = [
    r'{__name__=~"(\\w|\\w){0,60}!"}',
    '{__name__=~"(a|[a-z_]|[a-z]_?)*!"}',
    r'{__name__!="", n!~"(\\w+)+!"}',
    'label_replace(m, "x", "$1", "n", "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)!")',
    '{n=~"(x+x+)+y|(a*)*b|(.*a){20}c"}',
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_pattern_that_a_backtracking_engine_never_ends_is_answered(text):
    store = SeriesStore(retention_seconds=86_400)
    name = "a" * 200
    store.append("s", 0, [(labels_of({"__name__": name, "n": name}), 1.0)])
    store.append("t", 0, [(labels_of({"__name__": "m", "n": name}), 1.0)])
    found = compile_expression(text).evaluate(store, 0)
    assert len(found) == (2 if "!~" in text else 1 if "label_replace" in text else 0)
