"""A Prometheus server as a source: what it does not know for certain is "cannot tell"."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.monitoring.samples import END_MS
from trimtab.monitoring.errors import EvaluationFailed, ExpressionRefused
from trimtab.monitoring.prometheus import PrometheusClient, PrometheusSource
from trimtab.monitoring.prometheus.client import PrometheusUnavailable
from trimtab.monitoring.prometheus.source import selectors_of

NOW = datetime(2026, 3, 14, 9, tzinfo=UTC)


def source_of(answer, **more):
    """Return a source whose server answers each request by the function."""
    return PrometheusSource(client_of(answer, **more))


def client_of(answer, **more):
    return PrometheusClient(
        "http://prometheus.test/", transport=httpx.MockTransport(answer), **more
    )


def vector(*values, **more):
    result = [{"metric": {"__name__": "up", "job": "a"}, "value": [1, str(v)]} for v in values]
    body = {"status": "success", "data": {"resultType": "vector", "result": result}, **more}
    return httpx.Response(200, json=body)


def by_query(answers, default):
    def answer(request):
        query = dict(httpx.QueryParams(request.content.decode()))["query"]
        return answers.get(query, default)

    return answer


def test_a_result_holds():
    found = source_of(lambda _: vector(2)).judge("up > 1", NOW)
    assert (found.holds, [each.value for each in found.samples]) == (True, [2.0])


def test_an_empty_result_does_not_hold_when_the_series_are_there():
    found = source_of(by_query({"up > 1": vector()}, vector(1))).judge("up > 1", NOW)
    assert found.holds is False


def test_a_missing_series_is_unknown():
    found = source_of(lambda _: vector()).judge("up > 1", NOW)
    assert (found.holds, found.reason) == (None, "no samples of up")


def test_one_missing_side_makes_the_whole_unknown():
    answers = {"a > 1 or b > 1": vector(2), "count(a)": vector(1), "count(b)": vector()}
    found = source_of(by_query(answers, vector())).judge("a > 1 or b > 1", NOW)
    assert (found.holds, found.reason) == (None, "no samples of b")


def test_a_partial_answer_is_unknown():
    found = source_of(lambda _: vector(2, warnings=["store b timed out"])).judge("up > 1", NOW)
    assert (found.holds, found.reason) == (None, "the answer is partial: store b timed out")


BROKEN = {
    "html": lambda _: httpx.Response(200, html="<html>Sign in</html>"),
    "html error": lambda _: httpx.Response(502, html="<html>Bad gateway</html>"),
    "empty": lambda _: httpx.Response(200, content=b""),
    "list": lambda _: httpx.Response(200, json=[]),
    "no data": lambda _: httpx.Response(200, json={"status": "success"}),
    "other type": lambda _: httpx.Response(
        200, json={"status": "success", "data": {"resultType": "string", "result": []}}
    ),
    "bad element": lambda _: httpx.Response(
        200, json={"status": "success", "data": {"resultType": "vector", "result": [5]}}
    ),
    "timeout": lambda _: httpx.Response(
        503, json={"status": "error", "errorType": "timeout", "error": "query timed out"}
    ),
    "execution": lambda _: httpx.Response(
        422, json={"status": "error", "errorType": "execution", "error": "many-to-many"}
    ),
}


def slow(_request):
    raise httpx.ReadTimeout("slow")


def gone(_request):
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize("answer", [*BROKEN.values(), slow, gone], ids=[*BROKEN, "slow", "gone"])
def test_an_answer_that_is_none_is_unknown(answer):
    found = source_of(answer).judge("up > 1", NOW)
    assert found.holds is None
    assert found.reason


def test_a_redirect_to_a_sign_in_page_is_not_followed():
    asked = []

    def answer(request):
        asked.append(request.url.path)
        return httpx.Response(302, headers={"location": "http://elsewhere.test/"})

    assert source_of(answer).judge("up > 1", NOW).holds is None
    assert asked == ["/api/v1/query"]


def test_an_expression_that_the_server_refuses_is_an_error_of_the_caller():
    body = {"status": "error", "errorType": "bad_data", "error": "parse error"}
    with pytest.raises(ExpressionRefused, match="parse error"):
        source_of(lambda _: httpx.Response(400, json=body)).judge("up >", NOW)


def test_a_huge_answer_is_given_up():
    body = b'{"status": "success", "x": "' + b"x" * (21 << 20) + b'"}'
    with pytest.raises(PrometheusUnavailable, match="20 MB"):
        client_of(lambda _: httpx.Response(200, content=body)).query("up", NOW)


def test_the_token_and_the_time_limit_go_along():
    seen = []

    def answer(request):
        seen.append(
            (request.headers["authorization"], dict(httpx.QueryParams(request.content.decode())))
        )
        return vector(1)

    client_of(answer, token="secret", timeout_seconds=3).query("up", NOW)
    ((authorization, given),) = seen
    assert authorization == "Bearer secret"
    assert given == {"query": "up", "time": "1773478800.000", "timeout": "3s"}


def test_a_range_keeps_its_gaps():
    series = [{"metric": {"__name__": "up"}, "values": [[0, "1"], [120, "NaN"], [180, "3"]]}]
    body = {"status": "success", "data": {"resultType": "matrix", "result": series}}
    (found,) = source_of(lambda _: httpx.Response(200, json=body)).history(
        "up", NOW, timedelta(hours=1)
    )
    assert [at for at, _ in found.points] == [0.0, 120.0, 180.0]
    assert found.name == "up"


def test_a_partial_range_is_an_error():
    body = {
        "status": "success",
        "warnings": ["part"],
        "data": {"resultType": "matrix", "result": []},
    }
    with pytest.raises(EvaluationFailed, match="partial"):
        source_of(lambda _: httpx.Response(200, json=body)).history("up", NOW, timedelta(hours=1))


def test_the_selectors_of_an_expression_are_found_in_all_its_parts():
    text = 'sum by (x) (rate(a{l="v"}[5m])) / -b > 0.5 and absent(c) unless max_over_time(d[1h:1m]) > 3'
    assert selectors_of(text) == ('last_over_time(a{l="v"}[5m])', "b", "d")
    with pytest.raises(ExpressionRefused):
        selectors_of("up >")


def test_a_real_server_tells_false_from_unknown(prometheus):
    at_ms = END_MS
    now = datetime.fromtimestamp(at_ms / 1000, UTC)
    client = PrometheusClient(prometheus.url, 10)
    source = PrometheusSource(client)
    names = json.loads(httpx.get(f"{prometheus.url}/api/v1/label/__name__/values").content)["data"]
    name = next(n for n in names if source.judge(f"{n} == {n}", now).holds)
    assert source.judge(f"{name} != {name}", now).holds is False
    assert source.judge("no_such_metric > 0", now).holds is None
    assert source.judge("absent(no_such_metric) == 1", now).holds is True
    assert source.history(name, now, timedelta(minutes=1), 5.0)
    client.close()
