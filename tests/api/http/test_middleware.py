import json
import logging

import pytest

from tests.api.wire import Sent, Wire
from tests.faces import client_of
from trimtab.infra.auth import Role
from trimtab.infra.settings.sections.service import ServiceSettings
from trimtab.monitoring.engine import RuleEngine

MB = 1024 * 1024


def operator(app, **kwargs):
    return client_of(app, key=app.keys.create("op", Role.OPERATOR, actor="test"), **kwargs)


def test_a_foreign_host_name_is_refused(anonymous):
    answer = anonymous.get("/health", headers={"Host": "evil.example"})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "api.untrusted_host"


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"])
def test_loopback_host_names_are_ours(anonymous, host):
    assert anonymous.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["", "localhost@evil.example", "localhost.evil.example", "a b"])
def test_a_malformed_host_is_refused(anonymous, host):
    assert anonymous.get("/health", headers={"Host": host}).status_code == 403


def test_a_named_host_is_allowed_by_its_setting(app_of):
    app = app_of(api__allowed_hosts="wiki.example")
    assert client_of(app, host="wiki.example").get("/health").status_code == 200
    assert client_of(app).get("/health").status_code == 403


def test_another_sites_page_cannot_post(anonymous):
    answer = anonymous.post("/v1/keys", json={"name": "x"}, headers={"Origin": "http://evil"})
    assert answer.json()["error"]["code"] == "api.untrusted_origin"


def test_another_sites_script_cannot_read(anonymous):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert anonymous.get("/v1/catalog", headers=headers).status_code == 403


def test_a_link_from_another_site_opens(anonymous):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert anonymous.get("/health", headers=headers).status_code == 200


def test_a_caller_with_a_key_is_not_held_to_an_origin(app):
    client = client_of(app, key=app.keys.create("a", Role.ADMIN, actor="test"))
    answer = client.post("/v1/keys", json={"name": "x"}, headers={"Origin": "http://else"})
    assert answer.status_code == 201


@pytest.mark.feature("F620")
def test_a_declared_body_beyond_the_limit_is_refused_unread(admin):
    answer = admin.post("/v1/keys", content=b" " * (10 * MB + 1))
    assert answer.status_code == 413
    assert "service.max_body_mb" in answer.json()["error"]["hint"]


def test_an_undeclared_body_beyond_the_limit_is_refused_as_it_arrives(admin):
    def endless():
        for _ in range(12):
            yield b" " * MB

    headers = {"Content-Type": "application/json"}
    answer = admin.post("/v1/keys", content=endless(), headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize("length", [b"5", b"none", b"9" * 30])
def test_a_body_that_is_larger_than_it_declares_is_refused_too(app, length):
    media = (b"content-type", b"application/json")
    headers = [(b"host", b"localhost"), media, (b"content-length", length)]
    with Wire(app.http_apps.network) as wire:
        answer = wire.call(Sent("POST", "/v1/answers", b"", headers, b" " * 65 * 1024))
    assert answer.status == 413


def test_uploads_have_their_own_limit(app_of):
    app = app_of(service__max_body_mb="1", api__max_upload_mb="2")
    client = operator(app)
    body = {"project": "no name", "name": "a.txt", "text": "a" * (MB + 10)}
    assert client.post("/api/v1/ingest", json=body).status_code == 400
    assert client.post("/v1/answers", json=body).status_code == 413
    body["text"] *= 3
    assert client.post("/api/v1/ingest", json=body).status_code == 413


@pytest.mark.feature("F619")
def test_the_hundred_and_first_call_in_a_minute_is_refused(app_of):
    assert ServiceSettings().rate_limit_per_minute == 100
    app = app_of(service__rate_limit_per_minute="100")
    client = client_of(app)
    statuses = [client.get("/v1/me").status_code for _ in range(101)]
    assert statuses == [200] * 100 + [429]
    refused = client.get("/v1/me")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["error"]["retryable"] is True


@pytest.mark.feature("F619")
def test_one_addresss_calls_do_not_count_for_another(app_of):
    app = app_of(service__rate_limit_per_minute="1")
    assert client_of(app).get("/v1/me").status_code == 200
    assert client_of(app, address="::1").get("/v1/me").status_code == 200


def test_health_and_metrics_are_never_refused_for_their_rate(app_of):
    client = client_of(app_of(service__rate_limit_per_minute="1"))
    assert {client.get(path).status_code for path in ["/health", "/metrics"] * 5} == {200}


def test_a_key_has_a_limit_of_its_own_wherever_it_calls_from(app_of):
    app = app_of(api__key_limit_per_minute="1")
    key = app.keys.create("k", Role.READER, actor="test")
    assert client_of(app, key=key).get("/v1/me").status_code == 200
    assert client_of(app, key=key, address="192.0.2.7").get("/v1/me").status_code == 429


def test_every_answer_carries_a_request_id_and_security_headers(anonymous):
    for path in ("/health", "/nowhere", "/v1/keys"):
        headers = anonymous.get(path).headers
        assert headers["x-request-id"]
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]


def test_a_callers_request_id_is_kept_when_it_is_harmless(anonymous):
    assert anonymous.get("/health", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == (
        "abc-1"
    )
    odd = anonymous.get("/health", headers={"X-Request-ID": "a b\tc"})
    assert odd.headers["x-request-id"] != "a b\tc"


@pytest.mark.feature("F597")
def test_requests_are_counted_by_method_route_and_status(anonymous):
    anonymous.get("/v1/signals", params={"name": "no.such"})
    text = anonymous.get("/metrics").text
    assert 'http_requests_total{method="GET",route="/v1/signals",status="404"} 1.0' in text


def test_an_unknown_path_is_no_label(anonymous):
    anonymous.get("/secret-7")
    assert "secret-7" not in anonymous.get("/metrics").text


def request_lines(caplog):
    return [vars(record) for record in caplog.records if record.message == "request"]


@pytest.mark.feature("F598")
def test_a_failed_call_is_logged_with_path_status_and_error(anonymous, caplog):
    caplog.set_level("INFO")
    for path in ("/api/v1/query/a", "/api/v1/query/a", "/api/v1/query/b"):
        anonymous.get(path, params={"q": " "})
    failed = [line["path"] for line in request_lines(caplog) if line["status"] >= 400]
    assert failed == ["/api/v1/query/a", "/api/v1/query/a", "/api/v1/query/b"]
    assert {line["error"] for line in request_lines(caplog)} == {"answers.empty_query"}


@pytest.mark.feature("F600")
def test_a_failed_query_is_logged_with_its_text_where_that_is_wanted(app_of, caplog):
    caplog.set_level("INFO")
    client_of(app_of(knowledge__log_queries="true")).get(
        "/api/v1/query/a", params={"q": "x" * 1001}
    )
    (line,) = request_lines(caplog)
    assert (line["path"], line["query"], bool(line["error"])) == (
        "/api/v1/query/a",
        "x" * 1001,
        True,
    )


def test_the_text_of_a_query_is_in_no_log_unless_it_is_wanted(anonymous, caplog):
    caplog.set_level("DEBUG")
    anonymous.get("/api/v1/query/a", params={"q": "zyxwvut"})
    ours = [vars(record) for record in caplog.records if record.name.startswith("trimtab")]
    assert ours
    assert "zyxwvut" not in repr(ours)


@pytest.mark.feature("F517", "F569")
def test_the_process_tells_its_use_of_processor_and_memory(anonymous):
    text = anonymous.get("/metrics").text
    assert "process_resident_memory_bytes " in text
    assert "process_cpu_seconds_total " in text
    assert "service_cpu_ratio " in text


@pytest.mark.feature("F509", "F593")
def test_durations_have_buckets_and_failures_have_their_status(app, admin, monkeypatch):
    monkeypatch.setattr(type(app.keys), "all", lambda _self: 1 / 0)
    admin.get("/v1/keys")
    text = admin.get("/metrics").text
    assert 'http_requests_total{method="GET",route="/v1/keys",status="500"} 1.0' in text
    assert 'http_request_latency_seconds_bucket{le="0.5",route="/v1/keys"}' in text
    assert 'http_request_latency_seconds_bucket{le="+Inf",route="/v1/keys"} 1.0' in text


@pytest.mark.feature("F170", "F526", "F602")
def test_latency_and_error_rate_have_the_contracts_names(app, admin, monkeypatch):
    monkeypatch.setattr(type(app.keys), "all", lambda _self: 1 / 0)
    for path in ("/v1/me", "/v1/settings", "/v1/keys"):
        admin.get(path)
    lines = dict(
        line.rpartition(" ")[::2]
        for line in admin.get("/metrics").text.splitlines()
        if not line.startswith("#")
    )
    p95 = float(lines['http_request_duration_seconds{quantile="0.95"}'])
    assert 0 < p95 <= float(lines["http_p99_latency_ms"]) / 1000 + 1e-5
    assert float(lines["http_error_rate_ratio"]) == pytest.approx(1 / 3)


@pytest.mark.feature("F508")
def test_a_call_that_times_out_is_counted_by_its_error(app, admin, monkeypatch):
    def late(_keys):
        raise TimeoutError("late")

    monkeypatch.setattr(type(app.keys), "all", late)
    before = app.process_metrics.counters.errors().get("TimeoutError", 0)
    logging.getLogger().addHandler(app.process_metrics.counters)
    try:
        assert admin.get("/v1/keys").status_code == 500
    finally:
        logging.getLogger().removeHandler(app.process_metrics.counters)
    assert app.process_metrics.counters.errors()["TimeoutError"] == before + 1
    assert 'route="/v1/keys",status="500"} 1.0' in admin.get("/metrics").text


def test_every_error_has_the_same_shape(anonymous):
    for path in ("/nowhere", "/v1/keys", "/v1/signals?name=no.such"):
        body = anonymous.get(path).json()
        assert set(body) == {"error", "detail"}
        assert set(body["error"]) >= {"code", "message", "hint", "retryable", "kind"}


def test_a_wrong_field_is_named_without_repeating_its_content(admin):
    answer = admin.post("/v1/keys", json={"name": "tt_secret value"})
    assert answer.status_code == 400
    assert answer.json()["detail"][0]["field"] == "name"
    assert "tt_secret" not in answer.text


def test_a_mistake_in_a_route_is_a_500_in_the_usual_shape(app, admin, monkeypatch, caplog):
    monkeypatch.setattr(type(app.keys), "all", lambda _self: 1 / 0)
    answer = admin.get("/v1/keys")
    assert answer.status_code == 500
    assert json.loads(answer.text)["error"]["code"] == "api.internal"
    assert "ZeroDivisionError" not in answer.text
    assert "request failed" in caplog.text


def figures_of(client):
    return {
        line.split()[0]: float(line.split()[1])
        for line in client.get("/metrics").text.splitlines()
        if line.startswith("http_") and "{" not in line
    }


def test_latency_is_that_of_reads_and_questions(anonymous, admin):
    for path in ("/health", "/metrics", "/v1/me", "/api/v1/query/a?q=x"):
        anonymous.get(path)
    admin.post("/v1/check", json={"expression": "up == 1"})
    admin.post("/api/v1/ingest", json={"project": "a", "name": "b.txt", "text": "words"})
    admin.post("/v1/knowledge/verify", json={})
    with admin.stream("POST", "/v1/answers/stream", json={"question": "x", "project": "a"}) as said:
        said.read()
    assert figures_of(admin)["http_latency_requests"] == 3


def test_only_known_callers_move_the_error_rate(app, anonymous, admin, monkeypatch):
    monkeypatch.setattr(type(app.keys), "all", lambda _self: 1 / 0)
    monkeypatch.setattr(RuleEngine, "alerts", lambda *_: 1 / 0)
    for _ in range(3):
        assert anonymous.get("/v1/alerts").status_code == 500
        assert anonymous.get("/v1/keys").status_code == 403
    assert "http_error_rate_ratio" not in figures_of(anonymous)
    admin.get("/v1/keys")
    admin.get("/v1/me")
    figures = figures_of(admin)
    assert (figures["http_error_rate_requests"], figures["http_error_rate_ratio"]) == (2, 0.5)


def test_without_requests_there_is_no_latency_and_no_error_rate(anonymous):
    figures = figures_of(anonymous)
    assert (figures["http_latency_requests"], figures["http_error_rate_requests"]) == (0, 0)
    assert not {"http_p99_latency_ms", "http_error_rate_ratio"} & figures.keys()


@pytest.mark.feature("F174", "F175")
@pytest.mark.parametrize(("threshold", "marked"), [(1e-6, True), (60, False)])
def test_a_line_of_the_log_counts_the_requests_and_marks_the_slow_ones(
    app_of, caplog, threshold, marked
):
    client = client_of(app_of(service__slow_request_seconds=threshold))
    with caplog.at_level(logging.INFO, logger="trimtab.api.http.middleware"):
        client.get("/v1/me")
        client.get("/v1/me")
    lines = [record for record in caplog.records if record.message == "request"]
    assert [record.request_count for record in lines] == [1, 2]
    assert [hasattr(record, "slow_request") for record in lines] == [marked, marked]
