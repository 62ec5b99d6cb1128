"""One HTTP connection, with bounds on what a caller may leave open: how long, how much, how many.

uvicorn waits for ever for the rest of a request that has begun, and for the first byte of one that has not. A few
hundred callers who send a byte now and then would hold every file descriptor of the process that way ("slow loris").
Here a request's head is whole within ``head_seconds`` and its body never pauses for longer than ``body_seconds``; a head
is at most 64 KB, which h11 sees to; and beyond ``most_connections`` a new connection is told so and closed.
"""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

_TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\n"
    b"content-length: 0\r\n\r\n"
)


class BoundedProtocol(H11Protocol):
    """A connection that is closed when its caller keeps it waiting.

    It is h11 everywhere, and not whichever parser is installed: h11 comes with uvicorn and bounds the head of a request.
    """

    head_seconds = 10.0
    """From the connection, or from the first byte after an answer, to the end of the request's head."""
    body_seconds = 30.0
    """The longest pause within a body."""
    most_connections = 500
    """Half of the file descriptors that a process usually has."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            transport.write(_TOO_MANY)
            transport.close()
            return
        self._wait(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take the data; wait for more where the request is not whole."""
        super().data_received(data)
        if self.transport.is_closing():
            self._stop_waiting()
        elif not self._answering:
            if self._late is None and self.timeout_keep_alive_task is None:
                self._wait(self.head_seconds)  # Further bytes of the head do not give it more time.
        else:
            self._stop_waiting()
            if self.cycle.more_body:
                self._wait(self.body_seconds)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; where an answer is under way already the connection only ends."""
        if not (self._answering and self.cycle.response_started):
            super().send_400_response(msg)
        else:
            self.transport.close()

    @property
    def _answering(self) -> bool:
        """Whether a request's head is whole and its answer is not."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._late = self.loop.call_later(seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        self._late = None
        if self.flow.read_paused:  # We are the ones who keep the caller waiting.
            self._wait(self.body_seconds)
            return
        if self._answering and not self.cycle.more_body:
            return
        if not (self._answering and self.cycle.response_started):
            self.transport.write(_TOO_LATE)
        self.transport.close()
