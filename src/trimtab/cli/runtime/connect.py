"""HTTP client of the service, over one of three transports.

With ``--url`` it calls that address. Otherwise, if a service runs, it calls its control socket:
that of the data directory, or of the one service of this user when no data directory was named.
Otherwise the app is built in this process, on a data directory that exists or that the request may
create, and called without a network. Routes and errors are the same in all three.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from httpx_sse import EventSource, ServerSentEvent

from trimtab.cli.runtime.errors import Refused
from trimtab.cli.runtime.interrupts import ending_at_once
from trimtab.infra.control_socket import LABELS_HEADER, control_path
from trimtab.kernel.errors import Unavailable

if TYPE_CHECKING:
    from trimtab.app import App
    from trimtab.infra.settings import Settings

_TIMEOUT = httpx.Timeout(600.0, connect=10.0)
"""Seconds; an ingestion of many documents is one call."""
_ENDLESS = httpx.Timeout(None, connect=10.0)
"""For streams that are followed to their end."""
_ANY_HOST = "http://localhost"

_NEEDS_START = (
    "/health",
    "/api/v1/",
    "/v1/answers",
    "/v1/actions",
    "/v1/signals",
    "/v1/check",
    "/v1/knowledge",
)
"""Paths that need the embedding model or samples; for others a local app is not started."""

_MAY_CREATE = ("/api/v1/ingest", "/api/v1/projects", "/v1/keys", "/v1/models")
"""Paths whose POST may create the data directory; other commands only read or change one."""

_Result = TypeVar("_Result")


class ServiceUnreachable(Unavailable):
    """No service answers at the address."""

    code = "cli.service_unreachable"


class NoService(Unavailable):
    """No service runs, and there is no data directory to work on."""

    code = "cli.no_service"
    default_hint = (
        "`trimtab serve` starts a service; --data-dir names a data directory, --url another host."
    )


_DOWN = 503


class Client:
    """Calls the HTTP API and returns the answers.

    Args:
        http: Connection to a service; None builds the app in this process at the first request.
        settings: Settings of that app.
        labels: Access labels of the local user.
    """

    def __init__(
        self,
        http: httpx.AsyncClient | None,
        settings: "Settings | None" = None,
        labels: Sequence[str] = (),
    ) -> None:
        self._connected = http
        self._settings = settings
        self._labels = labels
        self._app: App | None = None
        self._started = False
        self._runner = asyncio.Runner()

    @classmethod
    def remote(cls, url: str, api_key: str) -> "Client":
        """Return a client of the service at an address."""
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        return cls(httpx.AsyncClient(base_url=url, headers=headers, timeout=_TIMEOUT))

    @classmethod
    def local(
        cls, settings: "Settings", running: Path | None, labels: Sequence[str] = ()
    ) -> "Client":
        """Return a client of a running service, or of an app in this process.

        Args:
            settings: Settings of an app in this process.
            running: Data directory of the running service; None when there is none.
            labels: Access labels of the local user.
        """
        if running is None:
            return cls(None, settings, labels)
        socket = httpx.AsyncHTTPTransport(uds=str(control_path(running)))
        return cls(_local_http(socket, labels))

    @property
    def in_process(self) -> bool:
        """Return whether no service runs, so that all work ends with this command."""
        return self._connected is None or self._app is not None

    def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, Any] | None = None,
        files: Any = None,
        content: bytes | None = None,
    ) -> Any:
        """Return the answer's JSON, or None when it has no body.

        Raises:
            Refused: The service answered with an error.
            ServiceUnreachable: It did not answer.
        """
        http = self._ready(method, path)
        request = http.request(method, path, json=body, params=params, files=files, content=content)
        response = self._run(request)
        # /health answers 503 with its usual body when everything is down: that is its result.
        is_result = path.endswith("/health") and response.status_code == _DOWN
        if not response.is_success and not is_result:
            raise _refusal(response)
        return response.json() if response.content else None

    def text(self, path: str, params: Mapping[str, Any] | None = None) -> str:
        """Return the answer as text; raises as `call` does."""
        response = self._run(self._ready("GET", path).get(path, params=params))
        if not response.is_success:
            raise _refusal(response)
        return response.text

    def content(self, path: str, params: Mapping[str, Any] | None = None) -> bytes:
        """Return the answer's bytes; raises as `call` does."""
        response = self._run(self._ready("GET", path).get(path, params=params))
        if not response.is_success:
            raise _refusal(response)
        return response.content

    def events(self, path: str, body: object = None) -> Iterator[ServerSentEvent]:
        """Yield server-sent events until the service ends the stream; a body is posted."""
        stream = self._events(self._ready("GET", path), path, body)
        try:
            while (event := self._run(anext(stream, None))) is not None:
                yield event
        finally:
            self._run(stream.aclose())  # type: ignore[attr-defined]

    def lines(self, path: str, body: object) -> Iterator[dict[str, Any]]:
        """Yield each line of a JSON-lines answer as it arrives; raises as `call` does."""
        stream = self._lines(self._ready("POST", path), path, body)
        try:
            while (line := self._run(anext(stream, None))) is not None:
                yield json.loads(line)
        finally:
            self._run(stream.aclose())  # type: ignore[attr-defined]

    async def _lines(self, http: httpx.AsyncClient, path: str, body: object) -> AsyncIterator[str]:
        async with http.stream("POST", path, json=body, timeout=_ENDLESS) as response:
            if not response.is_success:
                await response.aread()
                raise _refusal(response)
            async for line in response.aiter_lines():
                if line.strip():
                    yield line

    async def _events(
        self, http: httpx.AsyncClient, path: str, body: object
    ) -> AsyncIterator[ServerSentEvent]:
        method = "GET" if body is None else "POST"
        async with http.stream(method, path, json=body, timeout=_ENDLESS) as response:
            if not response.is_success:
                await response.aread()
                raise _refusal(response)
            async for event in EventSource(response).aiter_sse():
                yield event

    def _ready(self, method: str, path: str) -> httpx.AsyncClient:
        """Return the connection; build and start the app in this process if it is needed."""
        if self._connected is None:
            self._connected = self._build(may_create=method == "POST" and path in _MAY_CREATE)
        if self._app is not None and not self._started and path.startswith(_NEEDS_START):
            self._started = True
            self._app.start_for_a_moment()
        return self._connected

    def _build(self, *, may_create: bool) -> httpx.AsyncClient:
        with ending_at_once():
            from trimtab.app import build

        assert self._settings is not None  # noqa: S101 - only `remote` and sockets have none.
        data_dir = self._settings.service.data_dir
        if not may_create and not data_dir.is_dir():
            raise NoService(f"No trimtab service runs on {data_dir}, which does not exist.")
        # The output of a command is for people; the log of the service is not part of it.
        logging.getLogger().addHandler(logging.NullHandler())
        self._app = build(self._settings)
        # On PostgreSQL a process that is not in the fleet must not answer.
        self._app.env.fleet.start()
        control = self._app.http_apps.control
        return _local_http(
            httpx.ASGITransport(app=control, raise_app_exceptions=False), self._labels
        )

    def close(self) -> None:
        """Close the connection, and the app if it is in this process."""
        if self._connected is not None:
            self._runner.run(self._connected.aclose())
        self._runner.close()
        if self._app is not None:
            self._app.close()

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        try:
            return self._runner.run(work)
        except httpx.TransportError as error:
            raise ServiceUnreachable(
                f"The service does not answer: {str(error) or type(error).__name__}.",
                hint="Is it running there? `trimtab serve` starts it; --url names another address.",
            ) from error


def _local_http(transport: httpx.AsyncBaseTransport, labels: Sequence[str]) -> httpx.AsyncClient:
    headers = {LABELS_HEADER: ",".join(labels)} if labels else {}
    return httpx.AsyncClient(
        transport=transport, base_url=_ANY_HOST, headers=headers, timeout=_TIMEOUT
    )


def _refusal(response: httpx.Response) -> Refused:
    try:
        error = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return Refused({"message": f"The service answered {response.status_code}.", "hint": ""})
    return Refused(error)
