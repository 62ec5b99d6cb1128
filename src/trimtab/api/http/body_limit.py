"""Middleware that limits the size of request bodies; without a key the limit is small."""

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trimtab.api.errors import error_response
from trimtab.infra.auth import Principal
from trimtab.infra.web.access import ANONYMOUS, Access
from trimtab.kernel.errors import TooLarge, TrimtabError

_KB = 1024
_MB = 1024 * 1024
_FORM_OVERHEAD = 64 * _KB
"""Room for the boundaries and part headers around an uploaded file of the largest size."""
_SMALL_KB = 64
"""Maximum body without a key and of console forms; a question has 1,000 characters."""

UPLOADS = ("/api/v1/ingest",)
"""Paths whose bodies are streamed to disk and may have the upload size."""


class BodyTooLarge(TooLarge):
    """The request's body is larger than the limit."""

    code = "api.body_too_large"


class BodyLimitMiddleware:
    """Answers 413 to a body that is too large; the route never sees the remaining bytes.

    Args:
        access: Finds the caller, before anything of the body is read.
        body_mb: The limit of a caller with a key.
        upload_mb: Its limit on `UPLOADS`.
    """

    def __init__(self, app: ASGIApp, *, access: Access, body_mb: int, upload_mb: int) -> None:
        self._app = app
        self._access = access
        self._body_mb = body_mb
        self._upload_mb = upload_mb

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless or until it is too large."""
        declared = _declared(scope["headers"]) if scope["type"] == "http" else None
        # HTTP/2 has bodies without any header that tells of them.
        if declared is None and scope.get("method", "GET") in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        found = await self._access.find(HTTPConnection(scope))
        known = isinstance(found, Principal) and found is not ANONYMOUS
        small = not known or scope["path"].startswith("/console")
        limit = _SMALL_KB * _KB if small else self.bytes(scope["path"])
        counted = _Counted(receive, send, limit, whole=not declared)
        if declared and declared > limit:
            if isinstance(found, TrimtabError):
                await error_response(found)(scope, receive, counted.pass_on)
                return
            await self._refusal(scope["path"], known=known)(scope, receive, counted.pass_on)
            return
        await self._app(scope, counted.receive, counted.send)
        if counted.exceeded and not counted.answered:
            await self._refusal(scope["path"], known=known)(scope, receive, counted.pass_on)

    def megabytes(self, path: str) -> int:
        """Return how much a body sent to the path with a key may hold."""
        return self._upload_mb if path in UPLOADS else self._body_mb

    def bytes(self, path: str) -> int:
        """Return the same in bytes, with what stands around an upload."""
        return self.megabytes(path) * _MB + (_FORM_OVERHEAD if path in UPLOADS else 0)

    def _refusal(self, path: str, *, known: bool) -> Response:
        if not known:
            size, hint = f"{_SMALL_KB} kB", "Send an API key with it, or send less at once."
        elif path.startswith("/console"):
            size, hint = f"{_SMALL_KB} kB", "Send less at once."
        else:
            size, hint = f"{self.megabytes(path)} MB", _hint(path)
        return error_response(BodyTooLarge(f"The body is larger than {size}.", hint=hint))


def _hint(path: str) -> str:
    if path in UPLOADS:
        return "Split the document, or raise `api.max_upload_mb`."
    return "Send less at once, or raise `service.max_body_mb`; documents go to /api/v1/ingest."


def _declared(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Return the declared length of the body, -1 if it is unknown, None if there is no body."""
    for name, value in headers:
        if name == b"content-length":
            return int(value) if value.isdigit() else -1
        if name == b"transfer-encoding":
            return -1
    return None


class _Counted:
    """Counts the body; beyond the limit the route sees a disconnect and cannot answer."""

    def __init__(self, receive: Receive, send: Send, limit: int, *, whole: bool) -> None:
        self._receive = receive
        self._send = send
        self._left = limit
        self._whole = whole
        self.exceeded = False
        self.answered = False

    async def receive(self) -> Message:
        if self.exceeded:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.exceeded = True
            return {"type": "http.disconnect"}
        self._whole = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if not self.exceeded or self.answered:
            await self.pass_on(message)

    async def pass_on(self, message: Message) -> None:
        """Send a message of the route or of the limit."""
        if message["type"] == "http.response.start":
            self.answered = True
            if not self._whole:
                # What of the body is still to come belongs to no request any more.
                MutableHeaders(scope=message)["Connection"] = "close"
        await self._send(message)
