"""Sends an answer's head and body together: uvicorn writes them apart, and each write is a system call and a packet."""

import asyncio
from typing import Any

_MOST_BYTES = 64 * 1024
"""More than this does not wait: a stream that never pauses would gather in memory."""


class JoinedWrites:
    """A transport that sends together what was written in one turn of the event loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._written = bytearray()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Take the data; it is sent before the next turn of the loop."""
        if not self._written:
            self._loop.call_soon(self._send)
        self._written += data
        if len(self._written) > _MOST_BYTES:
            self._send()

    def close(self) -> None:
        """Send what was written, then close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._written:
            written, self._written = self._written, bytearray()
            self._transport.write(written)
