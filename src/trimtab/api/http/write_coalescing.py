"""Sends an answer's head and body together: uvicorn writes them apart, and each write is a system call and a packet."""

import asyncio
from collections.abc import Callable
from typing import Any

_MAX_BYTES = 64 * 1024
"""More than this does not wait: a stream that never pauses would gather in memory."""


class CoalescingTransport:
    """A transport that sends together what was written in one turn of the event loop.

    Args:
        may_close: Says when closing has to wait; whoever said so aborts later.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        may_close: Callable[[], bool] = lambda: True,
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._may_close = may_close
        self._ending = False
        self._written = bytearray()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Take the data; it is sent before the next turn of the loop."""
        if not self._written:
            self._loop.call_soon(self._send)
        self._written += data
        if len(self._written) > _MAX_BYTES:
            self._send()

    def close(self) -> None:
        """Send what was written, then close, or only end our half while the other side still sends."""
        self._send()
        if self._may_close():
            self._transport.close()
            return
        self._ending = True
        if self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()

    def is_closing(self) -> bool:
        """Return whether nothing more will be sent."""
        return self._ending or self._transport.is_closing()

    def _send(self) -> None:
        if self._written:
            written, self._written = self._written, bytearray()
            self._transport.write(written)
