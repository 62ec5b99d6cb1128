"""Transport that joins the head and body of an answer in one write."""

import asyncio
from collections.abc import Callable
from typing import Any

_MAX_BYTES = 64 * 1024
"""Bytes that are sent at once, so that a steady stream does not fill the memory."""


class CoalescingTransport:
    """Transport that joins all writes of one event-loop iteration.

    Args:
        may_close: Returns False if closing has to wait; it then aborts the connection later.
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
        """Buffer the data until the end of this loop iteration."""
        if not self._written:
            self._loop.call_soon(self._send)
        self._written += data
        if len(self._written) > _MAX_BYTES:
            self._send()

    def close(self) -> None:
        """Send the buffer, then close, or only shut down writing while the client sends."""
        self._send()
        if self._may_close():
            self._transport.close()
            return
        self._ending = True
        if self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()

    def is_closing(self) -> bool:
        """Return whether the transport is closing."""
        return self._ending or self._transport.is_closing()

    def _send(self) -> None:
        if self._written:
            written, self._written = self._written, bytearray()
            self._transport.write(written)
