"""What a stranger sends is not read: the caller and its role come before the body, on real connections."""

import threading
import time

import pytest

from tests.api.test_sockets import answer_to, connection, everything, is_well, status_of
from tests.faces import first_key
from trimtab.api.http.connection_limits import LimitedHttpProtocol
from trimtab.api.http.server import bind, served
from trimtab.app import build
from trimtab.infra.auth import Role
from trimtab.infra.settings import load
from trimtab.infra.web import json_body, routes

KB = 1024
LARGE = 9_900_000


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    folder = tmp_path_factory.mktemp("strangers")
    flags = {"service.data_dir": str(folder / "data"), "service.rate_limit_per_minute": "0"}
    app = build(load(flags=flags, environment={}))
    yield app
    app.close()


@pytest.fixture(scope="module")
def address(app):
    listener = bind("127.0.0.1", 0)
    with served(app.http_apps.network, listener):
        yield listener.getsockname()


def head(path, *, key="", **headers):
    lines = [f"POST {path} HTTP/1.1", "Host: localhost"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    given = {"content_type": "application/json", **headers}
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize("path", ["/v1/answers", "/v1/keys", "/api/v1/ingest", "/console/ask"])
@pytest.mark.parametrize("framing", ["declared", "chunked"])
def test_a_wrong_key_is_refused_before_any_of_the_body_is_sent(address, path, framing):
    how = {"content_length": LARGE} if framing == "declared" else {"transfer_encoding": "chunked"}
    answer = answer_to(address, head(path, key="tt_wrong", **how))
    # The console leads to its sign-in page.
    assert status_of(answer) == (
        303 if path.startswith("/console") and framing == "chunked" else 401
    )
    assert b"connection: close" in answer


def test_a_stranger_gets_the_whole_answer_although_it_is_still_sending(address):
    body = b'{"question": "' + b"a" * 500 * KB
    answer = answer_to(address, head("/v1/answers", key="tt_wrong", content_length=LARGE) + body)
    assert status_of(answer) == 401
    assert answer.rstrip().endswith(b"}")


def test_a_stranger_who_goes_on_sending_is_cut_off(address, monkeypatch):
    monkeypatch.setattr(LimitedHttpProtocol, "linger_seconds", 0.2)
    with connection(address) as opened:
        opened.sendall(head("/v1/answers", key="tt_wrong", content_length=LARGE))
        started = time.monotonic()
        try:
            while time.monotonic() - started < 15:
                opened.sendall(b"a" * 64 * KB)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert time.monotonic() - started < 15


@pytest.mark.parametrize("key", ["", "wrong"])
def test_no_stranger_is_asked_to_go_on(address, key):
    headers = {"expect": "100-continue", "content_length": 1000}
    answer = answer_to(address, head("/v1/keys", key=key, **headers))
    assert status_of(answer) == (401 if key else 403)
    assert b"100 Continue" not in answer


def test_a_caller_with_a_key_is_asked_to_go_on(app, address):
    body = b'{"name": "asked-to"}'
    headers = {"expect": "100-continue", "content_length": len(body), "connection": "close"}
    with connection(address) as opened:
        opened.sendall(head("/v1/keys", key=first_key(app), **headers))
        assert opened.recv(100).startswith(b"HTTP/1.1 100")
        opened.sendall(body)
        assert status_of(everything(opened)) == 201
    app.keys.revoke("asked-to", actor="test")


@pytest.mark.parametrize(("size", "status"), [(60 * KB, 404), (65 * KB, 413)])
@pytest.mark.parametrize("framing", ["declared", "chunked"])
def test_without_a_key_a_body_is_small(address, size, status, framing):
    body = b'{"project": "none", "question": "why"' + b" " * size + b"}"
    if framing == "declared":
        request = head("/v1/answers", content_length=len(body), connection="close") + body
    else:
        how = {"transfer_encoding": "chunked", "connection": "close"}
        request = head("/v1/answers", **how) + chunk(body) + b"0\r\n\r\n"
    assert status_of(answer_to(address, request)) == status


def test_a_form_of_the_console_is_small_also_with_a_key(app, address):
    body = b"project=p&question=" + b"a" * 65 * KB
    form = {"content_type": "application/x-www-form-urlencoded", "content_length": len(body)}
    answer = answer_to(address, head("/console/ask", key=first_key(app), **form) + body)
    assert status_of(answer) == 413


def test_a_role_is_refused_before_the_body(app, address):
    key = app.keys.create("only-reader", Role.READER, actor="test")
    answer = answer_to(address, head("/v1/keys", key=key, content_length=LARGE))
    app.keys.revoke("only-reader", actor="test")
    assert status_of(answer) == 403


def test_an_upload_of_a_stranger_is_refused_before_its_first_part(address):
    form = {"content_type": "multipart/form-data; boundary=cut", "transfer_encoding": "chunked"}
    assert status_of(answer_to(address, head("/api/v1/ingest", **form))) == 403


def test_a_stranger_behind_a_request_that_is_answered_is_refused_too(address):
    first = b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connection(address) as opened:
        opened.sendall(first + head("/v1/answers", key="tt_wrong", content_length=LARGE) + b"{")
        answer = everything(opened)
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"401"]


def test_a_body_that_comes_drop_by_drop_ends_in_time(app, address, monkeypatch):
    monkeypatch.setattr(LimitedHttpProtocol, "body_total_seconds", 0.5)
    with connection(address) as opened:
        opened.sendall(head("/v1/keys", key=first_key(app), content_length=10_000))
        started = time.monotonic()
        try:
            while time.monotonic() - started < 15:
                opened.sendall(b"a")
                time.sleep(0.05)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert time.monotonic() - started < 15
    assert is_well(address)


def test_large_json_is_parsed_beside_the_event_loop(app, address, monkeypatch):
    parsed_in = []
    parse = routes.parse_json

    def noted(body):
        parsed_in.append((len(body), threading.current_thread().name))
        return parse(body)

    monkeypatch.setattr(routes, "parse_json", noted)
    for size in (10, 100 * KB):
        body = b'{"project": "none", "question": "why"' + b" " * size + b"}"
        request = head(
            "/v1/answers", key=first_key(app), content_length=len(body), connection="close"
        )
        assert status_of(answer_to(address, request + body)) == 404
    assert [name == "server" for _, name in parsed_in] == [True, False]


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        (b"[" * 64 + b"]" * 64, False),
        (b"[" * 65 + b"]" * 65, True),
        (b'{"a":' * 65 + b"1" + b"}" * 65, True),
        (b'"' + b"[" * 30_000 + b'"', False),
        (b'"\\"' + b"[" * 30_000 + b'"', False),
        (b'"\\\\"' + b"," + b"[" * 65, True),
        (b"[" + b"1," * 19_990 + b"1]", False),
        (b"[" + b"1," * 20_001 + b"1]", True),
        (b"[" + b'"",' * 50_000 + b"1]", True),
        (b"]" * 50_000, True),
    ],
)
def test_the_shape_of_json_is_told_before_it_is_parsed(body, refused):
    if refused:
        with pytest.raises(json_body.BodyTooComplex):
            json_body.check_shape(body)
    else:
        json_body.check_shape(body)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_json_in_another_encoding_than_utf_8_is_refused(app, address, encoding):
    body = '{"project": "none", "question": "why"}'.encode(encoding)
    request = head("/v1/answers", key=first_key(app), content_length=len(body), connection="close")
    assert status_of(answer_to(address, request + body)) == 400
