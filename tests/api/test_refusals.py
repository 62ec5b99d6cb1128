"""What the fuzz has found, each as one request; and that the description tells every refusal."""

import pytest

from tests.api.wire import Sent, Wire
from tests.faces import client_of


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/answers", b'{"project": "p", "question": "half a \\ud800"}'),
        ("/api/v1/ingest", b'{"project": "p", "name": "a.txt", "text": "half a \\udfff"}'),
        ("/v1/answers/replay", b'{"set": {"\\ud800": "1"}}'),
    ],
)
def test_text_with_half_a_character_is_refused(admin, path, body):
    answer = admin.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "lone surrogate" in answer.text


def test_a_number_that_is_none_is_refused(admin):
    body = b'{"arguments": {"query": NaN}}'
    path = "/v1/actions/knowledge.cache.resize"
    answer = admin.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "NaN and Infinity are not allowed" in answer.text


@pytest.mark.parametrize(
    ("media", "body", "words"),
    [
        ("application/x-www-form-urlencoded", b'{"project":"p"}', "Content-Type: application/json"),
        ("text/plain", b'{"project":"p"}', "its Content-Type is text/plain"),
        ("application/json", b"[]", "The body must be a JSON object."),
    ],
)
def test_a_body_that_was_not_read_as_json_says_which_header_to_send(admin, media, body, words):
    answer = admin.post("/v1/answers", content=body, headers={"Content-Type": media})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "api.invalid_request")
    assert words in answer.text
    assert "dictionary" not in answer.text


def test_json_that_nests_without_end_is_refused(admin):
    headers = {"Content-Type": "application/json"}
    for path in ("/api/v1/ingest", "/v1/answers"):
        answer = admin.post(path, content=b"[" * 100_000, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "api.body_too_complex")


@pytest.mark.parametrize("host", [b"[::1", b"\xff\xfe", b"a b", b"localhost@evil.example"])
def test_a_host_header_that_names_no_host_is_refused(app, host):
    with Wire(app.http_apps.network) as wire:
        answer = wire.call(Sent("GET", "/health", b"", [(b"host", host)]))
    assert answer.status == 403


def test_an_origin_that_is_no_address_is_refused(app):
    headers = [(b"origin", b"https://[::1")]
    with Wire(app.http_apps.network) as wire:
        assert wire.call(Sent("POST", "/v1/answers", b"", headers)).status == 403


@pytest.mark.parametrize(("path", "status"), [("/console", 200), ("/nowhere", 404)])
def test_a_query_that_is_no_text_spoils_no_page(app, path, status):
    with Wire(app.http_apps.network) as wire:
        assert wire.call(Sent("GET", path, bytes(range(128, 256)))).status == status


def test_an_offset_beyond_every_document_that_can_be_is_refused(admin):
    admin.post("/api/v1/projects", json={"name": "p"})
    answer = admin.get("/api/v1/projects/p/documents", params={"offset": 2**63})
    assert answer.status_code == 400


def test_a_slash_too_many_is_not_found_and_not_sent_elsewhere(anonymous):
    answer = anonymous.get("/v1/alerts/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "api.no_such_route")


def test_invented_methods_are_counted_as_one(app):
    with Wire(app.http_apps.network) as wire:
        for method in ("BREW", "BREW2", "PURGE"):
            assert wire.call(Sent(method, "/health")).status == 405
    text = client_of(app).get("/metrics").text
    assert 'http_requests_total{method="other"' in text
    assert "BREW" not in text


def test_the_description_gives_every_refusal_the_form_of_errors(anonymous):
    described = anonymous.get("/openapi.json").json()
    form = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}
    wrong = [
        (path, status)
        for path, methods in described["paths"].items()
        for operation in methods.values()
        for status, response in operation["responses"].items()
        if status >= "400" and response.get("content") != form and "health" not in path
    ]
    assert wrong == []


def test_the_description_tells_who_may_call(anonymous):
    paths = anonymous.get("/openapi.json").json()["paths"]
    assert paths["/v1/keys"]["post"]["x-role"] == "admin"
    assert paths["/v1/keys"]["post"]["security"] == [{"bearer": []}, {"key": []}]
    assert "security" not in paths["/health"]["get"]
    assert "401" not in paths["/health"]["get"]["responses"]


def test_a_route_states_no_status_that_its_form_rules_out(anonymous):
    paths = anonymous.get("/openapi.json").json()["paths"]
    assert set(paths["/v1/alerts"]["get"]["responses"]) == {
        "200", "401", "403", "429", "500", "503",
    }  # fmt: skip
    assert set(paths["/metrics"]["get"]["responses"]) == {"200", "403", "500"}
