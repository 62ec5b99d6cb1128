"""uvicorn protocol with slow-client, header-size and connection limits.

uvicorn has no timeout for the first byte of a request, nor for the remaining ones, and no limit for
the head. A few hundred clients that send a byte now and then would use up all file descriptors
("slow loris"). Here a head must be complete within ``head_seconds`` and ``head_bytes``. A body must
not pause for longer than ``body_seconds`` and must be complete within ``body_total_seconds``. Above
``max_connections`` a new connection gets 503 and is closed.

An answer before the end of the body closes the connection. What the client still sends is discarded
for ``linger_seconds`` and ``linger_bytes``: closing at once would make the client's system drop the
answer before the client reads it.
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
    """HTTP connection that is closed when its client is too slow or its head too large."""

    head_bytes = 64 * 1024
    """Maximum size of a head that comes in several pieces; one piece is at most 256 KB."""
    head_seconds = 10.0
    """From the connection or the previous answer to the end of the request's head."""
    body_seconds = 30.0
    """The longest pause within a body."""
    body_total_seconds = 300.0
    """From a request's head to the end of its body; ``api.body_seconds``."""
    linger_seconds = 2.0
    linger_bytes = 1024 * 1024
    max_connections = 500
    """Half of the usual limit of file descriptors."""

    _late: asyncio.TimerHandle | None = None
    _body_ends = 0.0
    """Deadline of the body that is being read, in the loop's time."""
    _lingering = -1
    """Bytes that may still be discarded; negative before an early answer."""
    _head = 0
    """Bytes of an incomplete head."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer for the first request."""
        coalescing = CoalescingTransport(transport, self.loop, self._may_close)
        super().connection_made(coalescing)  # type: ignore[arg-type]
        if len(self.connections) > self.max_connections:
            transport.write(_TOO_MANY)
            transport.close()
            return
        self._wait(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer of the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the data and restart the timer while the request is incomplete."""
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
        """Return whether the body is complete; if not, discard the rest and close later."""
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
        """Answer 400 to invalid HTTP after running answers are sent, then close the connection."""
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
        """True while a request is being answered."""
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
