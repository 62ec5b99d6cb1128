"""Files arrive as a stream: never whole in memory, and wholly or not at all."""

import asyncio
import tracemalloc

import pytest

from tests.faces import client_of, key_of
from trimtab.infra.auth import Role

MB = 1 << 20
BOUNDARY = "cut"


@pytest.fixture
def key(app):
    return key_of(app, Role.OPERATOR)


def form(name, *blocks):
    """Yield a form with a project and one file, piece by piece."""
    yield (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="project"\r\n\r\nship\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    ).encode()
    yield from blocks
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def post(app, key, pieces, *, cut=False):
    """Send the pieces to the ingest route; return the status, 0 when there was no answer."""
    sent, status = iter(pieces), []

    async def receive():
        piece = next(sent, None)
        if piece is None:
            return {"type": "http.disconnect" if cut else "http.request", "body": b""}
        return {"type": "http.request", "body": piece, "more_body": True}

    async def send(message):
        if message["type"] == "http.response.start":
            status.append(message["status"])

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/ingest",
        "raw_path": b"/api/v1/ingest",
        "query_string": b"",
        "headers": [
            (b"host", b"localhost"),
            (b"authorization", f"Bearer {key}".encode()),
            (b"content-type", f"multipart/form-data; boundary={BOUNDARY}".encode()),
        ],
        "client": ("127.0.0.1", 50000),
        "server": ("localhost", 80),
        "scheme": "http",
        "http_version": "1.1",
    }
    asyncio.run(app.http_apps.network(scope, receive, send))
    return status[0] if status else 0


def test_a_large_file_is_never_held_whole_in_memory(app, key):
    blocks = (b"%PDF-1.4 nothing more", *[b"\1" * MB] * 40)
    tracemalloc.start()
    try:
        status = post(app, key, form("large.pdf", *blocks))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert status == 400
    assert most < 20 * MB


def test_a_cut_connection_leaves_no_trace(app, key, caplog):
    pieces = list(form("a.txt", b"Half of a", b" paper"))[:-1]
    post(app, key, pieces, cut=True)
    assert app.knowledge.projects.list() == ()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_file_over_the_limit_is_refused_as_it_arrives(app_of):
    app = app_of(api__max_upload_mb="1", service__max_body_mb="1")
    key = key_of(app, Role.OPERATOR)
    assert post(app, key, form("a.txt", *[b"x" * MB] * 3)) == 413
    assert app.knowledge.projects.list() == ()


def test_an_upload_that_its_own_limit_refuses_names_the_setting(app_of):
    app = app_of(knowledge__max_document_mb="1")
    client = client_of(app, key=key_of(app, Role.OPERATOR))
    files = [("file", ("a.txt", b"x" * (MB + 1)))]
    answer = client.post("/api/v1/ingest", data={"project": "ship"}, files=files)
    assert answer.status_code == 413
    assert "knowledge.max_document_mb" in answer.json()["error"]["message"]
