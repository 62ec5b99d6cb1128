"""Refuses bodies beyond their limit, by their declared length or as they arrive."""

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trimtab.api.errors import error_response
from trimtab.kernel.errors import TooLarge

_MB = 1024 * 1024
_FORM_OVERHEAD = 64 * 1024
"""Room for the boundaries and part headers around an uploaded file of the largest size."""

UPLOADS = ("/api/v1/ingest",)
"""Paths whose bodies are streamed to disk and may have the upload size."""


class BodyTooLarge(TooLarge):
    """The request's body is larger than the limit."""

    code = "api.body_too_large"


class BodyLimit:
    """Answers 413 to a body that is too large; the route never sees the rest of it."""

    def __init__(self, app: ASGIApp, *, body_mb: int, upload_mb: int) -> None:
        self._app = app
        self._body_mb = body_mb
        self._upload_mb = upload_mb

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless or until it is too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        upload = scope["path"] in UPLOADS
        limit_mb = self.megabytes(scope["path"])
        limit = limit_mb * _MB + (_FORM_OVERHEAD if upload else 0)
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            await _refusal(limit_mb, upload=upload)(scope, receive, send)
            return
        counted = _Counted(receive, send, limit)
        await self._app(scope, counted.receive, counted.send)
        if counted.exceeded and not counted.answered:
            await _refusal(limit_mb, upload=upload)(scope, receive, send)

    def megabytes(self, path: str) -> int:
        """Return how much a body sent to the path may hold."""
        return self._upload_mb if path in UPLOADS else self._body_mb


class _Counted:
    """Counts the body. Beyond the limit the route sees the client gone, and cannot answer any more."""

    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive = receive
        self._send = send
        self._left = limit
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
        return message

    async def send(self, message: Message) -> None:
        if self.exceeded and not self.answered:
            return
        self.answered = True
        await self._send(message)


def _refusal(limit_mb: int, *, upload: bool) -> Response:
    hint = (
        "Split the document, or raise `api.max_upload_mb`."
        if upload
        else "Send less at once, or raise `service.max_body_mb`; documents go to /api/v1/ingest."
    )
    return error_response(BodyTooLarge(f"The body is larger than {limit_mb} MB.", hint=hint))
