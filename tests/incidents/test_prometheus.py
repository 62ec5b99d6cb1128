"""A Prometheus server beside the embedded rules."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from tests.incidents.intake.desk import make_desk, posted
from tests.incidents.operator import alert, until
from trimtab.incidents import Incidents, State
from trimtab.incidents.ports import CheckJudgement
from trimtab.incidents.prometheus import (
    AlertHistory,
    MonitorWithPrometheus,
    expression_of,
    left_side,
)
from trimtab.monitoring.prometheus import PrometheusClient, PrometheusSource
from trimtab.testing.clock import FakeClock

URL = "http://prometheus.test/graph?g0.expr=sum%28rate%28errors%5B5m%5D%29%29+%3E+3&g0.tab=1"


class Embedded:
    """Judges as told; of other metrics it cannot tell."""

    def __init__(self, **known):
        self._known = known

    def judge(self, expression, *, drill=False, process=""):
        return self._known.get(expression.split()[0], CheckJudgement(None, "no samples"))


def source(answer=lambda _: 2.0):
    def respond(request):
        given = dict(httpx.QueryParams(request.content.decode()))
        if request.url.path.endswith("query_range"):
            points = [[0, "1"], [60, "NaN"], [120, "5"], [180, "4"]]
            data = {"resultType": "matrix", "result": [{"metric": {}, "values": points}]}
        else:
            data = {
                "resultType": "vector",
                "result": [
                    {"metric": {"__name__": "x", "job": "a"}, "value": [0, str(answer(given))]}
                ],
            }
        return httpx.Response(200, json={"status": "success", "data": data})

    return PrometheusSource(
        PrometheusClient("http://p.test", transport=httpx.MockTransport(respond))
    )


def broken():
    def respond(_):
        return httpx.Response(200, html="<html>Sign in</html>")

    return PrometheusSource(
        PrometheusClient("http://p.test", transport=httpx.MockTransport(respond))
    )


@pytest.mark.parametrize("holds", [True, False])
def test_what_the_embedded_samples_tell_is_not_asked_elsewhere(holds):
    monitor = MonitorWithPrometheus(Embedded(a=CheckJudgement(holds)), broken(), FakeClock())
    assert monitor.judge("a > 1").holds is holds


def test_what_they_cannot_tell_is_asked_of_the_server():
    found = MonitorWithPrometheus(Embedded(), source(), FakeClock()).judge("x > 1")
    assert found.holds is True
    assert [(each.value, dict(each.labels)) for each in found.samples] == [(2.0, {"job": "a"})]


def test_the_server_is_not_asked_about_drills():
    assert (
        MonitorWithPrometheus(Embedded(), source(), FakeClock()).judge("x > 1", drill=True).holds
        is None
    )


def test_what_neither_can_tell_is_unknown_with_both_reasons():
    found = MonitorWithPrometheus(Embedded(), broken(), FakeClock()).judge("x > 1")
    assert found.holds is None
    assert found.reason.startswith("no samples; Prometheus: Prometheus answered 200")


def test_the_expression_of_an_alert_is_in_its_link():
    assert expression_of(URL) == "sum(rate(errors[5m])) > 3"
    for other in ("", "http://x/", "http://[", "http://x/?g0.expr="):
        assert expression_of(other) == ""


@pytest.mark.parametrize(
    ("expression", "measured"),
    [
        ("sum(rate(errors[5m])) > 3", "sum(rate(errors[5m]))"),
        ("(a >= 1)", "a"),
        ("a and b", "a and b"),
        ("a + b", "a + b"),
        ("not promql >", "not promql >"),
    ],
)
def test_what_a_comparison_measures_is_its_left_side(expression, measured):
    assert left_side(expression) == measured


def diagnosed(tmp_path, history):
    desk = make_desk(tmp_path)
    context = replace(desk.incidents.context, history=history(desk.clock))
    desk.operator.jobs._bodies.clear()
    incidents = desk.operator.incidents = Incidents(context, desk.operator.jobs)
    desk.intake._context = replace(desk.intake._context, incidents=incidents)
    desk.post(posted() | {"generatorURL": URL})
    (incident,) = desk.open()
    return until(desk.operator, incident, State.ESCALATED).episode.diagnosis


def test_an_alert_without_a_runbook_is_diagnosed_with_its_history(tmp_path):
    found = diagnosed(tmp_path, lambda clock: AlertHistory(source(), clock))
    assert found.gathered == {
        "sum(rate(errors[5m])) > 3": "holds",
        "sum(rate(errors[5m]))": "last hour: 1 to 5, median 4, now 4",
    }


def test_a_broken_server_does_not_hold_up_the_diagnosis(tmp_path):
    found = diagnosed(tmp_path, lambda clock: AlertHistory(broken(), clock))
    (text,) = found.gathered.values()
    assert text.startswith("cannot tell: Prometheus answered 200")
    assert found.at - timedelta(hours=1) < found.at


def served(series, asked):
    """Return a source whose server has these series of the last hour; it notes what it is asked."""

    def respond(request):
        asked.append(dict(httpx.QueryParams(request.content.decode())))
        if request.url.path.endswith("query_range"):
            result = [{"metric": labels, "values": points} for labels, points in series]
            data = {"resultType": "matrix", "result": result}
        else:
            data = {"resultType": "vector", "result": []}
        return httpx.Response(200, json={"status": "success", "data": data})

    return PrometheusSource(
        PrometheusClient("http://p.test", transport=httpx.MockTransport(respond))
    )


def looked_up(series, expression="up > 1"):
    asked, clock = [], FakeClock()
    told = replace(alert(clock.now()), expression=expression)
    return AlertHistory(served(series, asked), clock)(told), asked


def test_three_series_of_the_last_hour_are_shown():
    found, asked = looked_up([({"job": f"j{n}"}, [[0, "1"]]) for n in range(5)])
    assert [name for name in found if "job" in name] == [
        '{job="j0"}',
        '{job="j1"}',
        '{job="j2"}',
    ]
    (window,) = [each for each in asked if "start" in each]
    assert float(window["end"]) - float(window["start"]) == 3600


def test_a_series_without_a_number_has_no_data():
    found, _ = looked_up([({}, [[0, "NaN"]])])
    assert found["up"] == "no data in the last hour"


def test_an_alert_without_an_expression_is_not_looked_up():
    assert looked_up([], expression="") == ({}, [])


def test_what_the_server_cannot_tell_is_not_taken_for_healthy():
    found, _ = looked_up([])
    assert found["up > 1"].startswith("cannot tell: ")
