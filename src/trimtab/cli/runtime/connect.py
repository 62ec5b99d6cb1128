"""The connection to the service: always HTTP, over one of three ways.

With ``--url`` it goes to that address. Otherwise, when a service runs on the data directory, through
its control socket. Otherwise the app is built in this process and called without any network. What
is called, and how errors come back, is the same in all three.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from trimtab.cli.runtime.errors import Refused
from trimtab.infra.control_socket import LABELS_HEADER, control_path, is_answering
from trimtab.kernel.errors import Unavailable

if TYPE_CHECKING:
    from trimtab.app import App
    from trimtab.cli.runtime.session import Session

_TIMEOUT = httpx.Timeout(600.0, connect=10.0)
"""Seconds; an ingestion of many documents is one call."""
_ENDLESS = httpx.Timeout(None, connect=10.0)
"""For what is followed until it ends."""
_ANY_HOST = "http://localhost"

_LIVING = (
    "/health",
    "/api/v1/",
    "/v1/answers",
    "/v1/actions",
    "/v1/signals",
    "/v1/check",
    "/v1/knowledge",
)
"""Paths that need the embedding model or samples; for the others an app in this process need not start."""

_Result = TypeVar("_Result")


class ServiceUnreachable(Unavailable):
    """Nobody answers at the address."""

    code = "cli.service_unreachable"


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One server-sent event."""

    name: str
    data: str


class Client:
    """Calls the service's HTTP interface and returns what it answered."""

    def __init__(self, http: httpx.AsyncClient, app: "App | None" = None) -> None:
        self._http = http
        self._app = app
        self._started = False
        self._runner = asyncio.Runner()

    @classmethod
    def connect(cls, session: "Session") -> "Client":
        """Return a client on the way that the session's options choose."""
        if session.url:
            headers = {"Authorization": f"Bearer {session.api_key}"} if session.api_key else {}
            return cls(httpx.AsyncClient(base_url=session.url, headers=headers, timeout=_TIMEOUT))
        data_dir = session.settings.service.data_dir
        if is_answering(data_dir):
            socket = httpx.AsyncHTTPTransport(uds=str(control_path(data_dir)))
            return cls(_local(socket, session))
        return cls._in_process(session)

    @classmethod
    def _in_process(cls, session: "Session") -> "Client":
        from trimtab.app import build

        # The commands' output is for people; what the service would log is not part of it.
        logging.getLogger().addHandler(logging.NullHandler())
        app = build(session.settings)
        transport = httpx.ASGITransport(app=app.faces.control, raise_app_exceptions=False)
        return cls(_local(transport, session), app)

    @property
    def in_process(self) -> bool:
        """Return whether no service runs, so that nothing goes on after this command."""
        return self._app is not None

    def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, Any] | None = None,
        files: Any = None,
    ) -> Any:
        """Return the answer's JSON, or None when it has no body.

        Raises:
            Refused: The service answered with an error.
            ServiceUnreachable: It did not answer.
        """
        self._wake(path)
        response = self._run(
            self._http.request(method, path, json=body, params=params, files=files)
        )
        # /health answers 503 with its usual body when everything is down: that is its result.
        if not response.is_success and path != "/health":
            raise _refusal(response)
        return response.json() if response.content else None

    def text(self, path: str, params: Mapping[str, Any] | None = None) -> str:
        """Return the answer as text; raises as `call` does."""
        response = self._run(self._http.get(path, params=params))
        if not response.is_success:
            raise _refusal(response)
        return response.text

    def events(self, path: str, body: object = None) -> Iterator[ServerEvent]:
        """Yield server-sent events until the service ends the stream; a body is posted."""
        self._wake(path)
        stream = self._events(path, body)
        try:
            while (event := self._run(anext(stream, None))) is not None:
                yield event
        finally:
            self._run(stream.aclose())  # type: ignore[attr-defined]

    def lines(self, path: str, body: object) -> Iterator[dict[str, Any]]:
        """Yield each line of a JSON-lines answer as it arrives; raises as `call` does."""
        stream = self._lines(path, body)
        try:
            while (line := self._run(anext(stream, None))) is not None:
                yield json.loads(line)
        finally:
            self._run(stream.aclose())  # type: ignore[attr-defined]

    async def _lines(self, path: str, body: object) -> AsyncIterator[str]:
        async with self._http.stream("POST", path, json=body, timeout=_ENDLESS) as response:
            if not response.is_success:
                await response.aread()
                raise _refusal(response)
            async for line in response.aiter_lines():
                if line.strip():
                    yield line

    async def _events(self, path: str, body: object) -> AsyncIterator[ServerEvent]:
        method = "GET" if body is None else "POST"
        async with self._http.stream(method, path, json=body, timeout=_ENDLESS) as response:
            if not response.is_success:
                await response.aread()
                raise _refusal(response)
            name, data = "message", []
            async for line in response.aiter_lines():
                if line.startswith("event:"):
                    name = line[6:].strip()
                elif line.startswith("data:"):
                    data.append(line[5:].removeprefix(" "))
                elif not line and data:
                    yield ServerEvent(name, "\n".join(data))
                    name, data = "message", []

    def _wake(self, path: str) -> None:
        if self._app is not None and not self._started and path.startswith(_LIVING):
            self._started = True
            self._app.start_for_a_moment()

    def close(self) -> None:
        """Close the connection, and the app if it is in this process."""
        self._runner.run(self._http.aclose())
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


def _local(transport: httpx.AsyncBaseTransport, session: "Session") -> httpx.AsyncClient:
    headers = {LABELS_HEADER: ",".join(session.labels)} if session.labels else {}
    return httpx.AsyncClient(
        transport=transport, base_url=_ANY_HOST, headers=headers, timeout=_TIMEOUT
    )


def _refusal(response: httpx.Response) -> Refused:
    try:
        error = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return Refused({"message": f"The service answered {response.status_code}.", "hint": ""})
    return Refused(error)
