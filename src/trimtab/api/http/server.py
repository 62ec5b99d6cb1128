"""Runs the network listener and the control socket in one process."""

import asyncio
import contextlib
import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from trimtab.api.http.connection_limits import LimitedHttpProtocol
from trimtab.kernel.errors import Misconfigured

_FINISH_SECONDS = 5
"""Seconds for running requests at shutdown; live streams do not end by themselves."""


class AddressInUse(Misconfigured):
    """Something else listens on the address, or it is not this machine's."""

    code = "api.address_unusable"


@dataclass(frozen=True, slots=True)
class Listener:
    """An app and the socket it is served on."""

    app: ASGIApp
    socket: socket.socket


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 picks a free one.

    Raises:
        AddressInUse: The address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise AddressInUse(
            f"Cannot listen on {host} port {port}: {error.strerror}.",
            hint=f"{_CAUSES.get(error.errno or 0, 'Check `--host`')}, or choose another port: "
            f"`trimtab serve --port {_another(port)}`.",
        ) from error
    # Connections inherit it. asyncio sets it only on sockets with a protocol number, unlike these.
    # Without it the body of each answer waits 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


_CAUSES = {
    errno.EADDRINUSE: "Stop what listens there",
    errno.EACCES: "Only the administrator may use ports below 1024",
}


def _another(port: int) -> int:
    return port + 1 if 1024 <= port < 65535 else 8001


def serve(
    listeners: tuple[Listener, ...], ready: Callable[[], None], *, body_seconds: float
) -> None:
    """Serve until SIGINT or SIGTERM, then let running requests finish.

    Args:
        listeners: What to serve.
        ready: Called once when all of them accept connections.
        body_seconds: How long a request's body may take as a whole.
    """
    asyncio.run(_serve(listeners, ready, body_seconds))


@contextlib.contextmanager
def served(app: ASGIApp, listener: socket.socket) -> Iterator[None]:
    """Serve the app in a thread of its own for as long as the block lasts."""
    config = _config(app)
    # Its imports end here: a Ctrl-C in the thread of the caller cannot leave this one waiting.
    config.load()
    server = _Server(config)
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listener])), name="server", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


class _Server(uvicorn.Server):
    """A uvicorn server that leaves the signals to us: there are two servers and one decision."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave all signals to the caller."""
        yield


async def _serve(
    listeners: tuple[Listener, ...], ready: Callable[[], None], body_seconds: float
) -> None:
    protocol = type("Protocol", (LimitedHttpProtocol,), {"body_total_seconds": body_seconds})
    servers = [_Server(_config(listener.app, protocol)) for listener in listeners]

    def stop() -> None:
        for server in servers:
            server.force_exit = server.should_exit  # The second signal does not wait.
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    async with asyncio.TaskGroup() as tasks:
        for server, listener in zip(servers, listeners, strict=True):
            tasks.create_task(server.serve(sockets=[listener.socket]))
        for server in servers:
            await server.listening.wait()
        ready()


def _config(
    app: ASGIApp, protocol: type[LimitedHttpProtocol] = LimitedHttpProtocol
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="asyncio",
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_FINISH_SECONDS,
        proxy_headers=False,
    )
