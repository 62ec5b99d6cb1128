"""The shipped rules with the series of several processes, each with its id in the label `process`."""

import pytest

from tests.monitoring.boundaries import BOUNDARIES
from tests.monitoring.rule_cases import Playback
from tests.monitoring.test_boundaries import STEP_MS, case

FIRST = {boundary.alert: boundary for boundary in reversed(BOUNDARIES)}
"""One case of each alert."""


def of_process(series, process):
    """Return the name of a series with the label that the monitor gives to those of another process."""
    label = f'process="{process}"'
    return f"{series[:-1]},{label}}}" if series.endswith("}") else f"{series}{{{label}}}"


def played(boundary, values, minutes):
    """Play the series of each process, with the value that it has; return the playback at its end."""
    whole = None
    for process, value in values.items():
        one = case(boundary, value)
        if process:
            for entry in one.raw["input_series"]:
                entry["series"] = of_process(entry["series"], process)
        if whole is None:
            whole = one
        else:
            whole.raw["input_series"] += one.raw["input_series"]
    playback = Playback(whole)
    playback.until(int(minutes * 60_000) // STEP_MS * STEP_MS)
    return playback


def failures(playback):
    return {health.rule: health.error for health in playback.engine.health() if health.failures}


@pytest.mark.parametrize("alert", sorted(FIRST))
def test_every_alert_fires_for_a_fleet_and_no_rule_fails(alert):
    boundary = FIRST[alert]
    values = dict.fromkeys(("", "b", "c"), boundary.above)
    playback = played(boundary, values, boundary.after + 1)
    assert failures(playback) == {}
    assert playback.firing(alert)


@pytest.mark.parametrize(
    "alert",
    [
        "KnowledgeDiskSpaceCritical",
        "KnowledgeErrorRateHigh",
        "KnowledgeSearchSlow",
        "ModelDriftCritical",
        "ModelErrorRateHigh",
        "ServiceFailing",
        "ServiceSlow",
    ],
)
def test_one_process_beyond_the_threshold_is_enough_and_it_is_named(alert):
    boundary = FIRST[alert]
    values = {"": boundary.below, "b": boundary.above, "c": boundary.below}
    playback = played(boundary, values, boundary.after + 1)
    assert failures(playback) == {}
    assert {dict(each.labels).get("process") for each in playback.firing(alert)} == {"b"}


def counted(alert, share, requests):
    """Return the case of a rule in which one process fails often at few requests, another never at many."""
    boundary = FIRST[alert]
    one = case(boundary, boundary.above)
    one.raw["input_series"] = [
        {"series": series, "values": f"{value}x100"}
        for series, value in (
            (share, 0),
            (requests, 1000),
            (of_process(share, "b"), 5),
            (of_process(requests, "b"), 3),
        )
    ]
    playback = Playback(one)
    playback.until(40 * 60_000)
    return playback


@pytest.mark.parametrize(
    ("alert", "share", "requests"),
    [
        ("ServiceFailing", "http_error_rate_ratio", "http_error_rate_requests"),
        ("ServiceSlow", "http_p99_latency_ms", "http_latency_requests"),
        ("PlatformResponseSlow", 'http_request_duration_seconds{quantile="0.95"}', "http_latency_requests"),
        ("KnowledgeErrorRateHigh", "kb_error_rate", "kb_failed_recently"),
        ("KnowledgeSearchSlow", "kb_query_p99_latency_seconds", "kb_searches_recently"),
        ("ModelErrorRateHigh", 'models_error_rate{model="m"}', 'models_requests{model="m"}'),
    ],
)  # fmt: skip
def test_the_requests_of_one_process_give_no_weight_to_the_errors_of_another(
    alert, share, requests
):
    playback = counted(alert, share, requests)
    assert failures(playback) == {}
    assert playback.firing(alert) == []
