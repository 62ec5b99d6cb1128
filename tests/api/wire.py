"""Calls an ASGI app with requests byte for byte: no client library puts right what is wrong on purpose."""

from dataclasses import dataclass, field
from urllib.parse import unquote

import anyio
from anyio.from_thread import start_blocking_portal
from starlette.datastructures import Headers

_LONGEST_SECONDS = 120


@dataclass
class Sent:
    """A request as it goes out. Names of headers are lower case."""

    method: str
    path: str
    """Percent-encoded."""
    query: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    content: bytes = b""
    address: str = "127.0.0.1"

    def has(self, *names):
        """Tell whether one of these headers is there."""
        return any(name in names for name, _ in self.headers)

    def put(self, name, value):
        """Set a header in place of what it was."""
        self.headers = [pair for pair in self.headers if pair[0] != name]
        self.headers.append((name, value))


@dataclass
class Got:
    """An answer."""

    status: int
    headers: Headers
    content: bytes

    @property
    def media(self):
        """Return its content type without parameters."""
        return self.headers.get("content-type", "").partition(";")[0]


class Wire:
    """A loop in a thread that the app runs in, for as long as the block lasts."""

    def __init__(self, app):
        self._app = app

    def __enter__(self):
        self._block = start_blocking_portal()
        self._portal = self._block.__enter__()
        return self

    def __exit__(self, *error):
        return self._block.__exit__(*error)

    def call(self, sent):
        """Return the app's answer, or raise what the app raised, or `TimeoutError` after two minutes."""
        return self._portal.call(self._call, sent)

    async def _call(self, sent):
        parts, over = [], anyio.Event()
        body = [{"type": "http.request", "body": sent.content, "more_body": False}]

        async def receive():
            if body:
                return body.pop()
            await over.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            parts.append(message)

        with anyio.fail_after(_LONGEST_SECONDS):
            await self._app(_scope(sent), receive, send)
        over.set()
        content = b"".join(part.get("body", b"") for part in parts[1:])
        return Got(parts[0]["status"], Headers(raw=parts[0]["headers"]), content)


def _scope(sent):
    given = dict(sent.headers)
    headers = list(sent.headers)
    if b"host" not in given:
        headers.append((b"host", b"localhost"))
    if sent.content and b"content-length" not in given:
        headers.append((b"content-length", b"%d" % len(sent.content)))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": sent.method,
        "scheme": "http",
        "path": unquote(sent.path),
        "raw_path": sent.path.encode(),
        "root_path": "",
        "query_string": sent.query,
        "headers": headers,
        "client": (sent.address, 50000),
        "server": ("localhost", 80),
        "state": {},
    }
