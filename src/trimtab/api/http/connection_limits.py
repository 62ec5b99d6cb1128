"""One HTTP connection, with bounds on what a caller may leave open: how long, how much, how many.

uvicorn waits for ever for the rest of a request that has begun, and for the first byte of one that has not. A few
hundred callers who send a byte now and then would hold every file descriptor of the process that way ("slow loris").
Nor does its parser bound the head of a request. Here a head is whole within ``head_seconds`` and ``head_bytes``, a body
never pauses for longer than ``body_seconds`` and is whole within ``body_total_seconds``, and beyond ``max_connections``
a new connection is told so and closed. An answer that comes before the body is whole ends the connection: what is still
sent is thrown away for ``linger_seconds`` and ``linger_bytes``, because closing at once would make the caller's system
drop the answer that it has not read yet.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from trimtab.api.http.write_coalescing import CoalescingTransport

_TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n"
    b"content-length: 0\r\n\r\n"
)
_TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\n"
    b"content-length: 0\r\n\r\n"
)


class LimitedHttpProtocol(HttpToolsProtocol):
    """A connection that is closed when its caller keeps it waiting, or sends a head without end."""

    head_bytes = 64 * 1024
    """The largest head that does not come in one piece; one piece is at most 256 KB."""
    head_seconds = 10.0
    """From the connection, or from the first byte after an answer, to the end of the request's head."""
    body_seconds = 30.0
    """The longest pause within a body."""
    body_total_seconds = 300.0
    """From a request's head to the end of its body; ``api.body_seconds``."""
    linger_seconds = 2.0
    linger_bytes = 1024 * 1024
    max_connections = 500
    """Half of the file descriptors that a process usually has."""

    _late: asyncio.TimerHandle | None = None
    _body_ends = 0.0
    """When the body that is being read has to be whole, in the loop's time."""
    _lingering = -1
    """Bytes that may still be thrown away; below zero before an early answer."""
    _head = 0
    """Bytes of a head that is not whole yet."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(CoalescingTransport(transport, self.loop, self._may_close))  # type: ignore[arg-type]
        if len(self.connections) > self.max_connections:
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
        if self._lingering >= 0:
            self._throw_away(len(data))
            return
        super().data_received(data)
        if self.transport.is_closing():
            self._stop_waiting()
        elif not self._answering:
            self._head += len(data)
            if self._head > self.head_bytes:
                self.transport.write(_TOO_LONG)
                self.transport.close()
            elif self._late is None and self.timeout_keep_alive_task is None:
                self._wait(self.head_seconds)  # Further bytes of the head do not give it more time.
        else:
            self._wait_for_body()

    def _wait_for_body(self) -> None:
        self._stop_waiting()
        if not self.cycle.more_body:
            self._head, self._body_ends = 0, 0.0
            return
        if self._head or not self._body_ends:
            self._head, self._body_ends = 0, self.loop.time() + self.body_total_seconds
        self._wait(max(0.0, min(self.body_seconds, self._body_ends - self.loop.time())))

    def _throw_away(self, count: int) -> None:
        self._lingering -= count
        if self._lingering < 0:
            self._stop_waiting()
            self.transport.abort()

    def _may_close(self) -> bool:
        """Return whether nothing more is to come; otherwise begin to throw it away, and close later."""
        cycle: RequestResponseCycle | None = self.cycle
        if self._lingering >= 0 or cycle is None:
            return True
        if not cycle.more_body or not cycle.response_complete:
            return True
        self._lingering = self.linger_bytes
        self.flow.resume_reading()
        self._wait(self.linger_seconds)
        return False

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; what is being answered already is answered first, and then the connection ends."""
        if not self._answering:
            super().send_400_response(msg)
        elif not self.cycle.more_body:
            self.cycle.keep_alive = False
            self.flow.pause_reading()
        elif self.cycle.response_started:
            self.transport.close()
        else:
            super().send_400_response(msg)

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
        if self._lingering >= 0:
            self.transport.abort()
            return
        if self.flow.read_paused:  # We are the ones who keep the caller waiting.
            self._wait(self.body_seconds)
            return
        if self._answering and not self.cycle.more_body:
            return
        if not (self._answering and self.cycle.response_started):
            self.transport.write(_TOO_LATE)
        self.transport.close()
