"""ETag and Cache-Control of answers that change seldom."""

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.faces import client_of
from trimtab.api.http.conditional import ConditionalGet

STATE = {"runbooks": ["a"]}


async def runbooks(request):
    return JSONResponse(STATE, 403 if "refused" in request.query_params else 200)


async def stream(_):
    async def parts():
        yield b"a"
        yield b"b"

    return StreamingResponse(parts())


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setitem(STATE, "runbooks", ["a"])
    routes = [
        Route("/v1/runbooks", runbooks, methods=["GET", "POST"]),
        Route("/v1/rules", stream),
        Route("/v1/answers", lambda _: PlainTextResponse("x")),
    ]
    return TestClient(ConditionalGet(Starlette(routes=routes)))


def test_an_answer_that_is_the_same_is_not_sent_again(client):
    first = client.get("/v1/runbooks")
    again = client.get("/v1/runbooks", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert "content-length" not in again.headers


def test_an_answer_that_changed_is_sent_whole(client):
    first = client.get("/v1/runbooks")
    STATE["runbooks"] = ["a", "b"]
    again = client.get("/v1/runbooks", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.json()) == (200, {"runbooks": ["a", "b"]})
    assert again.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize("sent", ['"a", {tag}', "W/{tag}", "*"])
def test_a_tag_is_found_in_each_form(client, sent):
    tag = client.get("/v1/runbooks").headers["etag"]
    headers = {"If-None-Match": sent.format(tag=tag)}
    assert client.get("/v1/runbooks", headers=headers).status_code == 304


def test_no_shared_cache_may_store_what_depends_on_the_key(client):
    headers = client.get("/v1/runbooks").headers
    assert headers["cache-control"] == "private, no-cache"
    assert headers["vary"] == "Authorization, X-API-Key, Cookie"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/runbooks?refused=1"),
        ("POST", "/v1/runbooks"),
        ("GET", "/v1/rules"),
        ("GET", "/v1/answers"),
    ],
)
def test_errors_changes_streams_and_answers_have_no_tag(client, method, path):
    found = client.request(method, path, headers={"If-None-Match": "*"})
    assert "etag" not in found.headers
    assert found.status_code != 304
    assert found.content


@pytest.mark.feature("F190")
def test_the_service_lets_a_cache_in_front_keep_what_is_public(anonymous, app):
    described = anonymous.get("/openapi.json")
    assert described.headers["cache-control"] == "public, max-age=300"
    tag = {"If-None-Match": described.headers["etag"]}
    assert anonymous.get("/openapi.json", headers=tag).status_code == 304
    assert anonymous.get("/v1/me").headers["cache-control"] == "no-store"
    assert anonymous.get("/v1/catalog").headers["cache-control"] == "private, no-cache"
    stranger = client_of(app, address="192.0.2.9").get(
        "/v1/catalog", headers={"If-None-Match": "*"}
    )
    assert stranger.status_code == 401
    assert stranger.headers["cache-control"] == "no-store"
