"""Root causes from metrics: the node that moved, or the callee that explains the entry point."""

import numpy as np
import pytest

from trimtab.incidents.rca import MetricColumn, MetricFrame, rank_causes
from trimtab.incidents.rca.contribution import Target
from trimtab.incidents.rca.ranking import by_shift
from trimtab.incidents.rca.shifts import METHODS

RNG = np.random.default_rng(7)
NODES = ("cart", "pay", "stock")


def frame(rows=60, **moved):
    """Return CPU and memory of three nodes; `moved` adds to the CPU of a node."""
    columns = tuple(MetricColumn(node, m) for node in NODES for m in ("cpu", "mem"))
    values = RNG.normal(10.0, 1.0, (rows, len(columns)))
    for node, added in moved.items():
        values[:, columns.index(MetricColumn(node, "cpu"))] += added
    return MetricFrame(columns, values)


def test_the_node_whose_metric_moved_is_the_cause():
    ranking = rank_causes(frame(), frame(pay=200))
    assert ranking.cause == "pay"
    assert ranking.nodes[0].evidence.startswith("pay cpu moved by ")


def test_the_methods_have_these_names():
    assert set(METHODS) == {"peak_shift", "sustained_shift", "mean_shift"}


@pytest.mark.parametrize("method", [*METHODS, "ensemble"])
def test_every_method_finds_a_large_shift(method):
    assert by_shift(frame(), frame(stock=500), method).cause == "stock"


def test_normal_time_names_no_cause():
    ranking = rank_causes(frame(), frame())
    assert ranking.cause == ""
    assert "no metric has moved for good" in ranking.abstained_because


@pytest.mark.parametrize(("added", "named"), [(5.7, True), (5.6, True), (5.59, False)])
def test_a_cause_is_named_from_the_threshold_on(added, named):
    columns = (MetricColumn("cart", "cpu"),)
    normal = np.tile([[-0.5], [0.0], [0.5]], (20, 1))  # The quartiles lie 1 apart.
    ranking = rank_causes(MetricFrame(columns, normal), MetricFrame(columns, normal + added))
    assert bool(ranking.cause) is named


def test_one_outlier_is_no_shift():
    abnormal = frame()
    abnormal.values[5, 0] = 1e6
    assert rank_causes(frame(), abnormal).cause == ""


def test_a_metric_that_never_changes_is_not_infinitely_surprising():
    columns = (MetricColumn("cart", "limit"),)
    normal = MetricFrame(columns, np.full((20, 1), 100.0))
    abnormal = MetricFrame(columns, np.full((20, 1), 100.1))
    assert rank_causes(normal, abnormal).cause == ""


def test_missing_values_and_columns_are_left_out():
    normal, abnormal = frame(), frame(pay=200)
    normal.values[:, 0] = np.nan
    abnormal.values[3:9, 2] = np.nan
    abnormal = abnormal.only([each for each in abnormal.columns if each.node != "stock"])
    assert rank_causes(normal, abnormal).cause == "pay"


def test_too_few_samples_or_no_common_metric_names_no_cause():
    assert rank_causes(frame(), frame(rows=2)).abstained_because == "there are too few samples"
    other = MetricFrame((MetricColumn("x", "y"),), np.ones((20, 1)))
    assert "no metric was measured" in rank_causes(frame(), other).abstained_because


GRAPH = {"web": ["cart", "pay"], "cart": ["db"], "pay": ["bank"]}


def traffic(rows, failing=(), **seconds):
    """Return requests, latency and availability of a call graph; callees take the time of their callers."""
    base = {"web": 0.30, "cart": 0.10, "pay": 0.15, "db": 0.05, "bank": 0.08}
    columns, values = [], []
    for node, usual in base.items():
        for metric, statistic, mean, spread in (
            ("requests", "Sum", 100.0, 1.0),
            ("latency", "Average", usual + seconds.get(node, 0.0), 0.002),
            ("availability", "Average", 90.0 if node in failing else 100.0, 0.0),
        ):
            columns.append(MetricColumn(node, metric, statistic))
            values.append(RNG.normal(mean, spread, rows))
    return MetricFrame(tuple(columns), np.array(values).T)


def ranked(abnormal, metric="latency"):
    return rank_causes(traffic(400), abnormal, GRAPH, Target("web", metric))


def test_the_deepest_callee_that_explains_the_latency_is_the_cause():
    ranking = ranked(traffic(5, web=0.5, cart=0.5, db=0.5))
    assert [each.node for each in ranking.nodes[:3]] == ["db", "cart", "web"]
    assert ranking.cause == "db"


def test_a_callee_that_explains_little_is_not_the_cause():
    assert ranked(traffic(5, web=0.5, cart=0.5, db=0.02)).cause == "cart"


def test_a_problem_that_no_callee_explains_is_the_target_s_own():
    assert ranked(traffic(5, web=0.5)).cause == "web"


def test_failed_requests_are_followed_like_time():
    assert ranked(traffic(5, failing=("web", "pay", "bank")), "availability").cause == "bank"


def test_a_usual_window_of_a_call_graph_names_no_cause():
    ranking = ranked(traffic(5))
    assert ranking.cause == ""
    assert "as it usually is" in ranking.abstained_because


def test_a_circle_in_the_graph_ends():
    graph = {"web": ["cart"], "cart": ["web", "db"], "db": ["cart"]}
    abnormal = traffic(5, web=0.5, cart=0.5, db=0.5)
    assert rank_causes(traffic(400), abnormal, graph, Target("web", "latency")).cause == "db"


def test_a_target_without_metrics_names_no_cause():
    ranking = rank_causes(traffic(400), traffic(5), GRAPH, Target("mail", "latency"))
    assert ranking.abstained_because == "mail has no latency and requests"
