"""The outermost layer: gives each request an id, measures it, logs it, and answers when all else fails."""

import logging
import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trimtab.api.edge.figures import HttpFigures
from trimtab.api.errors import InternalError, error_response
from trimtab.kernel.clock import Clock

_log = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"^[A-Za-z0-9_.-]{1,100}$")
_CLIENT_GONE = 499
"""What is written down when the client left before it was answered."""
_PERSON = re.compile(r"(/users/)[^/]+")
"""A user id in a path; no log may hold it."""
_QUIET = ("/health", "/metrics", "/console/static/")
"""Called every few seconds by machines; logged at debug level."""


class Recorded:
    """Counts and logs every request; a mistake in a route becomes a 500 in the usual shape."""

    def __init__(self, app: ASGIApp, *, figures: HttpFigures, clock: Clock) -> None:
        self._app = app
        self._figures = figures
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and write down what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.match(given) else secrets.token_hex(8)
        scope = {**scope, "trimtab.request_id": request_id}
        started, status = self._clock.monotonic(), 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:  # noqa: BLE001 - the edge: recorded here, and answered in the usual shape.
            _log.exception("request failed", extra={"request_id": request_id})
            if status == 0:
                await error_response(InternalError("Something went wrong inside trimtab."))(
                    scope, receive, watched
                )
            status = 500
        seconds = (self._clock.monotonic() - started) / self._clock.rate
        self._write(scope, status or _CLIENT_GONE, seconds, request_id)

    def _write(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        self._figures.count(scope["method"], _template(scope), status, seconds)
        level = logging.DEBUG if scope["path"].startswith(_QUIET) else logging.INFO
        _log.log(
            level,
            "request",
            extra={
                "request_id": request_id,
                "method": scope["method"],
                "path": _PERSON.sub(r"\1-", scope["path"]),
                "status": status,
                "duration_ms": round(seconds * 1000, 3),
            },
        )


def _template(scope: Scope) -> str:
    path = getattr(scope.get("route"), "path", None)
    return f"{scope.get('root_path', '')}{path}" if path else "unmatched"
