"""Requests, latency and availability from the histograms that services export."""

import numpy as np
import pytest

from trimtab.incidents.rca import MetricColumn
from trimtab.incidents.rca.requests import NodeSeries, edges, request_columns


def series(name, *values, node="web", **labels):
    return NodeSeries(node, {"__name__": name, **labels}, np.array(values, dtype=float))


def columns(*given, step=1.0):
    found = request_columns(given, step)
    return {(c.node, c.metric): list(values) for c, values in found.items()}


@pytest.mark.parametrize(
    ("unit", "spent"), [("seconds", 5.0), ("milliseconds", 5000.0), ("ms", 5000.0)]
)
def test_the_latency_is_the_time_spent_on_a_request_whatever_its_unit(unit, spent):
    base = f"http_server_request_duration_{unit}"
    found = columns(series(f"{base}_sum", spent), series(f"{base}_count", 10.0))
    assert found[("web", "latency")] == pytest.approx([0.5])


def test_requests_are_counted_for_a_step_and_over_all_handlers():
    found = columns(
        series("http_request_duration_seconds_sum", 1.0, handler="/a"),
        series("http_request_duration_seconds_count", 2.0, handler="/a"),
        series("http_request_duration_seconds_sum", 3.0, handler="/b"),
        series("http_request_duration_seconds_count", 6.0, handler="/b"),
        step=15.0,
    )
    assert found[("web", "requests")] == [120.0]
    assert found[("web", "latency")] == [0.5]


@pytest.mark.parametrize("label", ["code", "status", "http_response_status_code"])
@pytest.mark.parametrize(("status", "available"), [("503", 75.0), ("404", 100.0)])
def test_a_request_fails_with_a_status_that_begins_with_5(label, status, available):
    name = "http_server_requests_seconds"
    found = columns(
        series(f"{name}_sum", 1.0, **{label: "200"}),
        series(f"{name}_count", 3.0, **{label: "200"}),
        series(f"{name}_count", 1.0, **{label: status}),
    )
    assert found[("web", "availability")] == [available]


def test_a_node_is_measured_by_the_duration_of_which_it_has_most_and_not_by_its_calls_to_others():
    found = columns(
        series("http_client_request_duration_seconds_sum", 900.0),
        series("http_client_request_duration_seconds_count", 90.0),
        series("job_duration_seconds_sum", 100.0),
        series("job_duration_seconds_count", 1.0),
        series("http_server_request_duration_seconds_sum", 2.0),
        series("http_server_request_duration_seconds_count", 20.0),
    )
    assert found[("web", "latency")] == pytest.approx([0.1])


def test_a_time_without_requests_has_no_latency_and_no_availability():
    name = "http_request_duration_seconds"
    found = columns(series(f"{name}_sum", 0.0, np.nan), series(f"{name}_count", 0.0, np.nan))
    assert found[("web", "requests")] == [0.0, 0.0]
    assert np.isnan(found[("web", "latency")]).all()
    assert np.isnan(found[("web", "availability")]).all()


def test_other_metrics_and_halves_of_durations_give_nothing():
    assert columns(series("queue_length", 3.0), series("x_seconds_sum", 1.0)) == {}
    assert columns(series("process_cpu_seconds_total", 1.0)) == {}


def test_failures_of_the_service_graph_count_for_the_server():
    graph, edge = "traces_service_graph_request", {"client": "web", "server": "db"}
    found = columns(
        series(f"{graph}_server_seconds_sum", 1.0, node="db", **edge),
        series(f"{graph}_server_seconds_count", 10.0, node="db", **edge),
        series(f"{graph}_failed_total", 4.0, node="db", **edge),
    )
    assert found[("db", "availability")] == pytest.approx([60.0])


def test_the_edges_are_the_pairs_of_the_service_graph():
    name = "traces_service_graph_request_total"
    pairs = [("web", "cart"), ("web", "cart"), ("web", "pay"), ("pay", "pay"), ("", "web")]
    labels = [{"__name__": name, "client": a, "server": b} for a, b in pairs]
    other = {"__name__": "http_requests_total", "client": "web", "server": "mail"}
    assert edges([*labels, other]) == {"web": ("cart", "pay")}


def test_a_column_has_the_names_that_the_search_looks_for():
    name = "http_request_duration_seconds"
    found = request_columns([series(f"{name}_sum", 1.0), series(f"{name}_count", 1.0)], 1.0)
    assert MetricColumn("web", "latency", "Average") in found
    assert MetricColumn("web", "requests", "Sum") in found
