"""How much a callee must add, and how surely, to be followed; what counts as an addition at all."""

import numpy as np
import pytest

from trimtab.incidents.rca import MetricColumn, MetricFrame, rank_causes
from trimtab.incidents.rca.contribution import Addition, Target, additions, descend

WEB = Target("web", "latency")


def path(graph=None, target=WEB, **added):
    """Return the path through additions of amount and significance."""
    given = {name: Addition(name, *pair) for name, pair in added.items()}
    return descend(given, graph or {"web": ["db", "cart"]}, target)


@pytest.mark.parametrize(
    ("amount", "followed"), [(0.4, True), (0.401, True), (0.399, False), (-1, False)]
)
def test_a_callee_is_followed_when_it_explains_four_tenths(amount, followed):
    assert path(web=(1.0, 9), db=(amount, 9)) == (["web", "db"] if followed else ["web"])


@pytest.mark.parametrize(("significance", "followed"), [(3.0, True), (2.99, False)])
def test_a_callee_is_followed_when_it_adds_three_standard_deviations(significance, followed):
    found = path(web=(1.0, 9), db=(0.9, significance))
    assert found == (["web", "db"] if followed else ["web"])


def test_of_two_callees_the_one_that_adds_more_is_followed():
    assert path(web=(1.0, 9), db=(0.45, 99), cart=(0.55, 9)) == ["web", "cart"]


def test_a_target_of_which_nothing_is_known_is_left_for_any_callee_that_adds():
    assert path(db=(0.01, 9)) == ["web", "db"]
    assert path(db=(-0.01, 9)) == ["web"]


def test_what_is_not_measured_is_not_followed():
    assert path({"web": ["queue"], "queue": ["db"]}, web=(1.0, 9), db=(1.0, 9)) == ["web"]


def frame(requests, entered, latency=None, availability=None):
    columns = {
        MetricColumn("db", "requests", "Sum"): requests,
        MetricColumn("web", "requests", "Sum"): entered,
        MetricColumn("db", "latency", "Average"): latency,
        MetricColumn("db", "availability", "Average"): availability,
    }
    kept = {column: values for column, values in columns.items() if values is not None}
    return MetricFrame(tuple(kept), np.array(list(kept.values()), dtype=float).T)


def added(normal, abnormal, metric="latency"):
    return additions(normal, abnormal, Target("web", metric))["db"]


def test_time_is_counted_for_each_request_of_the_target():
    before = frame([20, 20, 20], [10, 10, 10], [0.1, 0.1, 0.1])
    now = frame([20, 20], [10, 10], [0.4, 0.4])
    assert added(before, now).amount == pytest.approx(0.6)


def test_an_interval_without_requests_of_the_target_counts_as_one_request():
    before = frame([0, 0, 0], [0, 0, 0], [0.0, 0.0, 0.0])
    now = frame([2, 2], [0, 0], [0.5, 0.5])
    assert added(before, now).amount == pytest.approx(1.0)


def test_failed_requests_are_the_part_that_was_not_available():
    before = frame([10, 10, 10], [10, 10, 10], availability=[100, 100, 100])
    now = frame([10, 10], [10, 10], availability=[80, np.nan])
    assert added(before, now, "availability").amount == pytest.approx(0.1)


def test_usual_time_is_the_median_and_usual_failures_are_the_mean():
    outlier = [0.1, 0.1, 0.1, 4.1]
    before = frame([10] * 4, [10] * 4, outlier, [100, 100, 100, 60])
    now = frame([10], [10], [0.1], [100])
    assert added(before, now).amount == pytest.approx(0.0)
    assert added(before, now, "availability").amount == pytest.approx(-0.1)


def test_an_addition_is_compared_with_means_over_windows_of_the_same_length():
    values = [0.1, 0.3, 0.1, 0.3, 0.1, 0.3]
    before = frame([10] * 6, [10] * 6, values)
    now = frame([10, 10], [10, 10], [0.4, 0.4])
    # The means of two neighbours are all 0.2: what comes on top is more than any usual window.
    assert added(before, now).significance > 1000
    single = added(before, frame([10], [10], [0.4]))
    assert single.significance == pytest.approx(0.2 / 0.1)


def test_a_normal_time_no_longer_than_the_problem_is_taken_as_it_is():
    before = frame([10, 10], [10, 10], [0.1, 0.3])
    assert added(before, frame([10, 10], [10, 10], [0.4, 0.4])).significance == pytest.approx(2.0)


def test_a_node_without_requests_adds_nothing():
    before = frame(None, [10, 10, 10], [0.1, 0.1, 0.1])
    assert additions(before, before, WEB) == {}


@pytest.mark.parametrize(("rows", "too_few"), [(2, True), (3, False)])
def test_three_samples_are_enough(rows, too_few):
    columns = (MetricColumn("cart", "cpu"),)
    long, short = (MetricFrame(columns, np.ones((count, 1))) for count in (9, rows))
    for normal, abnormal in ((long, short), (short, long)):
        because = rank_causes(normal, abnormal).abstained_because
        assert (because == "there are too few samples") is too_few


@pytest.mark.parametrize(
    ("metric", "unit"), [("latency", "s"), ("availability", "failed requests")]
)
def test_the_evidence_names_the_unit(metric, unit):
    columns = tuple(
        MetricColumn("web", name, statistic)
        for name, statistic in (("requests", "Sum"), (metric, "Average"))
    )
    usual, worse = (0.1, 0.9) if metric == "latency" else (100.0, 50.0)
    normal, abnormal = (
        MetricFrame(columns, np.array([[10.0, value]] * 5)) for value in (usual, worse)
    )
    found = rank_causes(normal, abnormal, {"web": []} | {"x": []}, Target("web", metric))
    assert found.cause == "web"
    amount = "+0.8" if metric == "latency" else "+0.5"
    assert found.nodes[0].evidence.startswith(f"{amount} {unit} a request of web (")
