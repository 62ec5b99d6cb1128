"""ETag and Cache-Control of answers that change seldom (RFC 9110 and 9111).

A client, or a cache in front of the service, sends the tag back in ``If-None-Match`` and gets 304
without a body while the answer is the same. What depends on the caller's key is marked ``private``:
no shared cache stores it, and every use asks first.
"""

from collections.abc import Mapping
from hashlib import blake2b

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PRIVATE = "private, no-cache"
_VARY = "Authorization, X-API-Key, Cookie"
POLICIES: Mapping[str, str] = {
    "/openapi.json": "public, max-age=300",
    "/v1/catalog": PRIVATE,
    "/v1/runbooks": PRIVATE,
    "/v1/rules": PRIVATE,
    "/api/v1/projects": PRIVATE,
    "/v1/models": PRIVATE,
}
"""``Cache-Control`` of the paths, and of those below them."""


class ConditionalGet:
    """Adds the headers to whole answers of `POLICIES`, and answers 304 to a tag that still fits.

    Args:
        app: Answers the requests, also those that get 304: it alone knows whether it changed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle the request with the app."""
        policy = _policy(scope) if scope["type"] == "http" else None
        if policy is None:
            await self._app(scope, receive, send)
            return
        exchange = _Tagged(send, policy, Headers(scope=scope).get("if-none-match", ""))
        await self._app(scope, receive, exchange.send)


class _Tagged:
    """Holds the start of an answer back until its body tells the tag."""

    def __init__(self, send: Send, policy: str, known: str) -> None:
        self._send, self._policy = send, policy
        self._known = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        """Pass a message on; errors and answers in several pieces pass unchanged."""
        if message["type"] == "http.response.start" and message["status"] == 200:
            self._start = message
            return
        start, self._start = self._start, None
        if start is None:
            await self._send(message)
            return
        if not message.get("more_body", False):
            message = self._tag(start, message)
        await self._send(start)
        await self._send(message)

    def _tag(self, start: Message, message: Message) -> Message:
        """Add the headers to the start; return the body, which is empty for a known tag."""
        tag = f'"{blake2b(message.get("body", b""), digest_size=16).hexdigest()}"'
        headers = MutableHeaders(raw=start["headers"])
        headers["etag"], headers["cache-control"] = tag, self._policy
        if self._policy == PRIVATE:
            headers.add_vary_header(_VARY)
        start["headers"] = headers.raw
        if tag not in self._known and "*" not in self._known:
            return message
        start["status"] = 304
        for name in ("content-length", "content-type"):
            del headers[name]
        start["headers"] = headers.raw
        return {**message, "body": b""}


def _policy(scope: Scope) -> str | None:
    if scope["method"] != "GET":
        return None
    path = scope["path"]
    for prefix, policy in POLICIES.items():
        if path == prefix or path.startswith(f"{prefix}/"):
            return policy
    return None
