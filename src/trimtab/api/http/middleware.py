"""Middleware of every request: checks, body limit, response headers, access log and metrics."""

import logging
import re
import threading
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trimtab.api.errors import ERROR_CODE_HEADER, InternalError, error_response
from trimtab.api.http.body_limit import CONSOLE, STRANGER, UPLOADS, BodyLimit
from trimtab.api.http.rate import AddressRateLimit
from trimtab.infra.auth import Principal
from trimtab.infra.maintenance import MaintenanceMode
from trimtab.infra.web.access import HEADERS, KNOWN, LOCAL, Access
from trimtab.infra.web.proxies import TrustedProxies
from trimtab.infra.web.request_id import REQUEST_ID, new_request_id
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.errors import TrimtabError

_log = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"^[A-Za-z0-9_.-]{1,100}$")
_ID_HEADER = b"x-request-id"
_ERROR_HEADER = ERROR_CODE_HEADER.lower().encode()
_CLIENT_GONE = 499
"""Status that is logged if the client disconnects before the answer."""
_QUESTIONS = frozenset({"/api/v1/query", "/v1/answers", "/v1/check"})
"""POST routes that a user waits for; the others may take long and do not count for latency."""
_STREAMS = (b"text/event-stream", b"application/x-ndjson")
"""Streams: they end when the client disconnects, so their duration is not a latency."""
_PERSON = re.compile(r"(?i)((?<!/)/+users?/++).+?((?<!/)/+data/*+)?$", re.DOTALL)
"""A user id in a path, also with slashes; it must not be logged, also for unknown paths."""
_QUIET = ("/health", "/metrics", "/console/static/", "/api/v1/heartbeat")
"""Called every few seconds by machines; logged at debug level."""
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""Callers can invent methods without end; the others are counted as one."""
_NEWEST = 4096
"""Maximum number of requests in the windows of `RequestCounters`."""
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Upper bounds in seconds; 0.15, 0.5, 1 and 2 are the contract's latency thresholds."""

Check = Callable[[Scope], TrimtabError | None]
"""Returns why a request is refused before anything of its body is read, or None."""


@dataclass(slots=True)
class Exchange:
    """One request and its response, as the middleware sees them pass."""

    receive_next: Receive
    send_on: Send
    request_id: str
    response_headers: tuple[tuple[bytes, bytes], ...]
    limit: BodyLimit = STRANGER
    body_bytes: int = 0
    """Size of the body that was received so far."""
    is_whole: bool = True
    """True if nothing of the body is still to come."""
    too_large: bool = False
    """True if the body exceeded its limit; the route cannot answer then."""
    status: int = 0
    """Status of the response; 0 until it starts."""
    error: str = ""
    """The error's code; empty when there is none."""
    streamed: bool = False

    async def receive(self) -> Message:
        """Return the next part of the body, or a disconnect when it is too large."""
        if not self.too_large:
            message = await self.receive_next()
            self.body_bytes += len(message.get("body", b""))
            self.too_large = self.body_bytes > self.limit.bytes
            if not self.too_large:
                self.is_whole = not message.get("more_body", False)
                return message
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Send a part of the response, unless the body is too large for the route to answer."""
        if self.too_large and not self.status:
            return
        if message["type"] == "http.response.start":
            given = {name.lower(): value for name, value in message["headers"]}
            headers = [*message["headers"], (_ID_HEADER, self.request_id.encode())]
            headers += [pair for pair in self.response_headers if pair[0] not in given]
            if not self.is_whole:
                # What of the body is still to come belongs to no request any more.
                headers = [pair for pair in headers if pair[0].lower() != b"connection"]
                headers.append((b"connection", b"close"))
            message["headers"] = headers
            self.status = message["status"]
            self.error = given.get(_ERROR_HEADER, b"").decode("latin-1")
            self.streamed = given.get(b"content-type", b"").startswith(_STREAMS)
        await self.send_on(message)


@dataclass(frozen=True, slots=True)
class RequestMiddleware:
    """Passes requests on after their checks, with a bounded body, then logs and counts them.

    An unexpected exception is answered with 500.

    Attributes:
        app: Answers the requests.
        access: Finds the caller, before anything of the body is read.
        body_limit: The limit of a caller with a key.
        upload_limit: Its limit on `UPLOADS`.
        log: Logs and counts every request, also those that are refused.
        checks: Called in this order, before the caller is found.
        rate: Limits the requests of each address, after the checks; None limits none.
        proxies: Tell the client of a request that they pass on; None trusts no proxy.
        response_headers: Names in lower case; added to each response that does not have them.
        is_local: True on the control socket: each caller is the local admin.
        maintenance: Refuses requests while it is on; None never does.
    """

    app: ASGIApp
    access: Access
    body_limit: BodyLimit
    upload_limit: BodyLimit
    log: "RequestLog"
    checks: tuple[Check, ...] = ()
    rate: AddressRateLimit | None = None
    proxies: TrustedProxies | None = None
    response_headers: tuple[tuple[bytes, bytes], ...] = ()
    is_local: bool = False
    maintenance: MaintenanceMode | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle the request, then log and count it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(reversed(scope["headers"]))
        given = headers.get(_ID_HEADER, b"").decode("latin-1")
        request_id = given if given and _REQUEST_ID.match(given) else new_request_id()
        # One dict for the whole request: the access check and the router leave their results in it.
        scope = {**scope, LOCAL: self.is_local, REQUEST_ID: request_id, HEADERS: headers}
        scope.update(_origin(self.proxies, scope))
        exchange = Exchange(receive, send, request_id, self.response_headers)
        started = self.log.machine.monotonic()
        try:
            refusal = await self._refusal(scope, exchange)
            if refusal is None:
                await self.app(scope, exchange.receive, exchange.send)
                if exchange.too_large and not exchange.status:
                    refusal = exchange.limit.error()
        except Exception:  # noqa: BLE001 - logged here and answered as 500.
            _log.exception("request failed", extra={"request_id": request_id})
            refusal = InternalError("Something went wrong inside trimtab.")
        if refusal is not None:
            exchange.too_large = False
            if not exchange.status:
                await error_response(refusal)(scope, receive, exchange.send)
            elif isinstance(refusal, InternalError):
                exchange.status = 500
        self.log.write(scope, exchange, self.log.machine.monotonic() - started)

    async def _refusal(self, scope: Scope, exchange: Exchange) -> TrimtabError | None:
        """Return why the request is refused before its body is read; else set the body's limit."""
        if (refusal := await self._refuse_unread(scope)) is not None:
            return refusal
        connection = HTTPConnection(scope)
        maintenance = self.maintenance
        if (
            maintenance is not None
            # Most requests come while it is off: they must not pay for a call.
            and maintenance.state.on
            and (refusal := await self._refuse(maintenance, connection)) is not None
        ):
            return refusal
        headers = scope[HEADERS]
        length = headers.get(b"content-length", b"").decode("latin-1")
        # HTTP/2 has bodies without any header that tells of them.
        has_body = length != "" or b"transfer-encoding" in headers
        if not has_body and scope["method"] in ("GET", "HEAD"):
            return None
        found = await self.access.find(connection)
        limit = self.upload_limit if scope["path"] in UPLOADS else self.body_limit
        if not scope[KNOWN]:
            limit = STRANGER
        elif scope["path"].startswith("/console"):
            limit = CONSOLE
        exchange.limit = limit
        exchange.is_whole = not has_body or length == "0"
        if length.isdecimal() and (len(length) > 18 or int(length) > limit.bytes):
            return found if isinstance(found, TrimtabError) else limit.error()
        return None

    async def _refuse_unread(self, scope: Scope) -> TrimtabError | None:
        """Return why a request is refused, whatever key it has."""
        for check in self.checks:
            if (refusal := check(scope)) is not None:
                return refusal
        return await self.rate.check(scope) if self.rate is not None else None

    async def _refuse(
        self, maintenance: MaintenanceMode, connection: HTTPConnection
    ) -> TrimtabError | None:
        """Return why maintenance mode refuses the request; None for exempt roles."""
        scope = connection.scope
        refusal = maintenance.refuse(scope["method"], scope["path"])
        if refusal is None:
            return None
        found = await self.access.find(connection)
        is_exempt = isinstance(found, Principal) and found.role in maintenance.exempt
        return None if is_exempt else refusal


def _origin(proxies: TrustedProxies | None, scope: Scope) -> dict[str, object]:
    """Return client and scheme of a request that may have come through proxies."""
    if proxies is None:
        return {}
    peer, headers = scope.get("client"), scope["headers"]
    return {
        "client": proxies.client(peer, headers),
        "scheme": proxies.scheme(peer, headers) or scope["scheme"],
    }


class FinishedRequest(NamedTuple):
    """A request that has been answered.

    Args:
        method: Upper case.
        route: The route's template, never the path itself: paths have no end of values.
        status: The HTTP status.
        seconds: How long it took.
        interactive: Whether a user waits for it: a read or a question, no stream or ingestion.
            Only these count as request latency.
        known: Whether the caller was authenticated; others do not affect the error rate.
    """

    method: str
    route: str
    status: int
    seconds: float
    interactive: bool = True
    known: bool = True


class RequestCounters:
    """Counts requests and keeps the newest durations and outcomes; `lock` guards all of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.lock = threading.Lock()
        self.total = 0
        """Number of requests since the start."""
        self.requests: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        """Number of requests by method, route and status."""
        self.buckets: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        """Number of requests by route, and by the bucket of their duration."""
        self.seconds: defaultdict[str, float] = defaultdict(float)
        """Total duration by route."""
        self.durations: deque[tuple[float, float]] = deque(maxlen=_NEWEST)
        """Time and duration of the interactive requests."""
        self.outcomes: deque[tuple[float, bool]] = deque(maxlen=_NEWEST)
        """Time of the requests of known callers, and whether they failed."""

    def count(self, request: FinishedRequest) -> None:
        """Add a finished request."""
        method = request.method if request.method in _METHODS else "other"
        with self.lock:
            self.total += 1
            self.requests[method, request.route, str(request.status)] += 1
            self.buckets[request.route][bisect_left(BUCKETS, request.seconds)] += 1
            self.seconds[request.route] += request.seconds
            now = self._clock.monotonic()
            if request.interactive:
                self.durations.append((now, request.seconds))
            if request.known:
                self.outcomes.append((now, request.status >= 500))


class RequestLog:
    """Writes the access log and counts the requests.

    Args:
        counters: Counts them.
        clock: Measures them.
        log_queries: Whether the line of a query holds its text.
        slow_seconds: Reads and questions that take longer are marked as slow.
    """

    def __init__(
        self,
        counters: RequestCounters,
        clock: Clock,
        *,
        log_queries: bool,
        slow_seconds: float = 1.0,
    ) -> None:
        self.machine = machine_clock(clock)
        self._counters = counters
        self._log_queries = log_queries
        self._slow_seconds = slow_seconds

    def write(self, scope: Scope, exchange: Exchange, seconds: float) -> None:
        """Log and count a finished request."""
        status = exchange.status or _CLIENT_GONE
        method, path = scope["method"], scope["path"]
        template = getattr(scope.get("route"), "path_format", None)
        route = f"{scope.get('root_path', '')}{template}" if template else "unmatched"
        is_quiet = path.startswith(_QUIET)
        asked = method in {"GET", "HEAD"} or route in _QUESTIONS
        interactive = asked and not exchange.streamed and not is_quiet
        known = scope.get(KNOWN, False)
        self._counters.count(FinishedRequest(method, route, status, seconds, interactive, known))
        facts = {
            "request_id": exchange.request_id,
            "method": method,
            "path": _PERSON.sub(r"\1-\2", path) if "user" in path.casefold() else path,
            "status": status,
            "duration_ms": round(seconds * 1000, 3),
            "request_count": self._counters.total,
        }
        if interactive and seconds > self._slow_seconds:
            facts["slow_request"] = True
        if exchange.error:
            facts["error"] = exchange.error
        if self._log_queries:
            facts |= _query(scope)
        _log.log(logging.DEBUG if is_quiet else logging.INFO, "request", extra=facts)


def _query(scope: Scope) -> dict[str, str]:
    given = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return {"query": given["q"][0]} if "q" in given else {}
