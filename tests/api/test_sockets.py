"""What comes over the wire and is no request: nothing of it harms the service or stays behind in it."""

import gc
import os
import re
import socket
import time
from contextlib import ExitStack, contextmanager

import psutil
import pytest

from trimtab.api.http.connection_limits import LimitedHttpProtocol
from trimtab.api.http.server import bind, served
from trimtab.app import build
from trimtab.infra.settings import load

SOON = 0.3


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sockets")
    flags = {"service.data_dir": str(folder / "data"), "service.rate_limit_per_minute": "0"}
    app = build(load(flags=flags, environment={}))
    yield app
    app.close()


@pytest.fixture(scope="module")
def address(app):
    """Serve the app as `trimtab serve` does, with less patience."""
    listener = bind("127.0.0.1", 0)
    with pytest.MonkeyPatch.context() as patch, served(app.http_apps.network, listener):
        patch.setattr(LimitedHttpProtocol, "head_seconds", SOON)
        patch.setattr(LimitedHttpProtocol, "body_seconds", SOON)
        yield listener.getsockname()


@contextmanager
def connection(address):
    with socket.create_connection(address, timeout=20) as opened:
        yield opened


def everything(opened):
    """Return what comes until the other side closes."""
    parts = []
    try:
        while part := opened.recv(65536):
            parts.append(part)
    except ConnectionResetError:  # It closed while we were still sending.
        pass
    return b"".join(parts)


def answer_to(address, request, *, then_close=False):
    with connection(address) as opened:
        try:
            opened.sendall(request)
            if then_close:
                opened.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # It has refused and closed already.
        return everything(opened)


def status_of(answer):
    return int(answer.split(b" ", 2)[1])


def is_well(address):
    asked = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    return status_of(answer_to(address, asked)) == 200


POST = b"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 1000 + b"\r\n\r\n",
        b"nothing at all\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
        POST + b"Content-Length: nonsense\r\n\r\n{}",
        POST + b"Content-Length: -1\r\n\r\n{}",
        POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        POST + b"Transfer-Encoding: gzip\r\n\r\n{}",
        POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n",
    ],
)
def test_what_is_no_http_is_refused_with_400(address, garbage):
    assert status_of(answer_to(address, garbage)) == 400
    assert is_well(address)


@pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: evil.example\r\n"])
def test_a_request_without_a_host_or_with_two_is_refused(address, hosts):
    asked = b"GET /metrics HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n"
    assert status_of(answer_to(address, asked)) == 403


@pytest.mark.parametrize(
    "head",
    [b"X-Long: " + b"a" * 2**20, b"\r\n".join(b"X-%d: %s" % (n, b"b" * 50) for n in range(20_000))],
)
def test_a_head_of_a_megabyte_is_refused(address, head):
    asked = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n"
    # It may have closed before we have sent all, and the answer is lost with the rest then.
    assert status_of(answer_to(address, asked) or b"HTTP/1.1 431 ") == 431
    assert is_well(address)


@pytest.mark.parametrize("cut", [b"G", b"GET / HTTP/1.1\r\nHost: loc", POST, b""])
def test_half_a_request_is_given_up_in_time(address, cut):
    answer = answer_to(address, cut)
    assert status_of(answer) == 408
    assert is_well(address)


def test_a_body_that_stops_half_way_is_given_up_in_time(address):
    answer = answer_to(address, POST + b'Content-Length: 100\r\n\r\n{"que')
    assert status_of(answer) == 408
    assert is_well(address)


def test_a_byte_now_and_then_buys_no_more_time(address):
    with connection(address) as opened:
        started = time.monotonic()
        try:
            for byte in b"GET / HTTP/1.1\r\nX-Slow: " + b"a" * 2000:
                opened.sendall(bytes([byte]))
                time.sleep(0.02)
        except (BrokenPipeError, ConnectionResetError):
            pass
        # The bytes would last 40 seconds.
        assert time.monotonic() - started < 20
    assert is_well(address)


def test_a_body_shorter_than_it_says_leaves_nothing_behind(app, address):
    body = b'{"project": "cut", "name": "a.txt", "text": "The rudder."}'
    head = b"POST /api/v1/ingest HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    answer_to(address, head + b"Content-Length: 1000\r\n\r\n" + body, then_close=True)
    assert is_well(address)
    assert "cut" not in [project.name for project in app.knowledge.projects.list()]


def test_requests_sent_in_one_go_are_answered_in_their_order(address):
    paths = (b"/v1/me", b"/v1/nothing", b"/v1/me", b"/v1/alerts", b"/v1/nothing")
    asked = [b"GET %s HTTP/1.1\r\nHost: localhost\r\n" % path for path in paths]
    answer = answer_to(address, b"\r\n".join(asked) + b"Connection: close\r\n\r\n")
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"404", b"200", b"200", b"404"]


def test_garbage_behind_a_request_does_not_spoil_its_answer(address):
    asked = b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n" + b"\x00\xff" * 100
    assert status_of(answer_to(address, asked)) == 200
    assert is_well(address)


def test_hundreds_of_dropped_connections_leave_no_file_descriptor(address):
    assert is_well(address)
    process = psutil.Process(os.getpid())
    before = process.num_fds()
    for number in range(300):
        with connection(address) as opened:
            if number % 3 == 1:
                opened.sendall(b"GET /v1/me HTTP/1.1\r\nHost: loc")
            if number % 3 == 2:
                opened.sendall(POST + b"Content-Length: 100000\r\n\r\n{")
    assert is_well(address)
    until = time.monotonic() + 20
    while process.num_fds() > before + 2 and time.monotonic() < until:
        gc.collect()
        time.sleep(0.05)
    assert process.num_fds() <= before + 2


def test_one_connection_more_than_there_may_be_is_told_so(address, monkeypatch):
    monkeypatch.setattr(LimitedHttpProtocol, "max_connections", 5)
    monkeypatch.setattr(LimitedHttpProtocol, "head_seconds", 30)
    with ExitStack() as held:
        for _ in range(5):
            held.enter_context(connection(address))
        assert status_of(answer_to(address, b"")) == 503
    until = time.monotonic() + 20
    while not is_well(address) and time.monotonic() < until:
        time.sleep(0.05)
    assert is_well(address)
