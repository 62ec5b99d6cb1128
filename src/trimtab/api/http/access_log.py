"""Middleware that assigns request ids, writes the access log and counts metrics."""

import logging
import re
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trimtab.api.errors import ERROR_CODE_HEADER, InternalError, error_response
from trimtab.api.http.metrics import FinishedRequest, HttpMetrics
from trimtab.infra.web.access import has_key
from trimtab.kernel.clock import Clock, machine_clock

_log = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"^[A-Za-z0-9_.-]{1,100}$")
_CLIENT_GONE = 499
"""Status that is logged if the client disconnects before the answer."""
_QUESTIONS = frozenset({"/api/v1/query", "/v1/answers", "/v1/check"})
"""POST routes that a user waits for; the others may take long and do not count for latency."""
_STREAMS = ("text/event-stream", "application/x-ndjson")
"""Streams: they end when the client disconnects, so their duration is not a latency."""
_PERSON = re.compile(r"(?i)((?<!/)/+users?/++).+?((?<!/)/+data/*+)?$", re.DOTALL)
"""A user id in a path, also with slashes; it must not be logged, also for unknown paths."""
_QUIET = ("/health", "/metrics", "/console/static/", "/api/v1/heartbeat")
"""Called every few seconds by machines; logged at debug level."""


@dataclass(slots=True)
class _Answered:
    request_id: str
    status: int = 0
    error: str = ""
    """The error's code; empty when there is none."""
    streamed: bool = False


class AccessLogMiddleware:
    """Counts and logs every request and answers unexpected exceptions with 500.

    Args:
        app: What answers the requests.
        figures: Counts them.
        clock: Measures them.
        log_queries: Whether the line of a query holds its text.
    """

    def __init__(
        self, app: ASGIApp, *, figures: HttpMetrics, clock: Clock, log_queries: bool
    ) -> None:
        self._app = app
        self._figures = figures
        self._machine = machine_clock(clock)
        self._log_queries = log_queries

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle the request, then log and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.match(given) else secrets.token_hex(8)
        # It is also `request.state` of the routes, so the authenticated caller is visible here.
        scope = {**scope, "trimtab.request_id": request_id, "state": scope.get("state", {})}
        started, answered = self._machine.monotonic(), _Answered(request_id)

        async def send_watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                answered.status = message["status"]
                answered.error = headers.get(ERROR_CODE_HEADER, "")
                answered.streamed = headers.get("content-type", "").startswith(_STREAMS)
            await send(message)

        try:
            await self._app(scope, receive, send_watched)
        except Exception:  # noqa: BLE001 - logged here and answered as 500.
            _log.exception("request failed", extra={"request_id": request_id})
            if answered.status == 0:
                await error_response(InternalError("Something went wrong inside trimtab."))(
                    scope, receive, send_watched
                )
            answered.status = 500
        seconds = self._machine.monotonic() - started
        self._write(scope, answered, seconds)

    def _write(self, scope: Scope, answered: _Answered, seconds: float) -> None:
        status = answered.status or _CLIENT_GONE
        method, route = scope["method"], _template(scope)
        asked = method in {"GET", "HEAD"} or route in _QUESTIONS
        interactive = asked and not answered.streamed and not scope["path"].startswith(_QUIET)
        known = has_key(scope)
        self._figures.count(FinishedRequest(method, route, status, seconds, interactive, known))
        level = logging.DEBUG if scope["path"].startswith(_QUIET) else logging.INFO
        _log.log(
            level,
            "request",
            extra={
                "request_id": answered.request_id,
                "method": scope["method"],
                "path": _PERSON.sub(r"\1-\2", scope["path"]),
                "status": status,
                "duration_ms": round(seconds * 1000, 3),
                **({"error": answered.error} if answered.error else {}),
                **(_query(scope) if self._log_queries else {}),
            },
        )


def _query(scope: Scope) -> dict[str, str]:
    given = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return {"query": given["q"][0]} if "q" in given else {}


def _template(scope: Scope) -> str:
    path = getattr(scope.get("route"), "path_format", None)
    return f"{scope.get('root_path', '')}{path}" if path else "unmatched"
