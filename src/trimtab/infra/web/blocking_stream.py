"""Streams a blocking generator as server-sent events from worker threads."""

from collections.abc import AsyncIterator, Callable, Generator, Mapping
from typing import Generic, TypeVar

import anyio
import anyio.to_thread
from sse_starlette import EventSourceResponse
from starlette.types import Receive, Scope, Send

from trimtab.infra.web.concurrency_limiter import ConcurrencyLimiter

_Item = TypeVar("_Item")


class BlockingStream(Generic[_Item]):
    """Runs a blocking generator step by step, so slow readers hold no limiter slot."""

    def __init__(
        self, generator: Generator[_Item, None, None], limiter: ConcurrencyLimiter
    ) -> None:
        self._generator = generator
        self._limiter = limiter

    async def first(self) -> _Item | None:
        """Return the first item or None; raise `TooManyWaiting` or the generator's error."""
        return await self._limiter.run(self._step)

    async def next(self) -> _Item | None:
        """Return the next item, or None after the last; raise the generator's error."""
        return await self._limiter.resume(self._step)

    def _step(self) -> _Item | None:
        return next(self._generator, None)

    async def close(self) -> None:
        """Close the generator, even while the caller is being cancelled."""
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._generator.close)


class BlockingStreamResponse(EventSourceResponse, Generic[_Item]):
    """Response that sends a blocking generator as server-sent events.

    Args:
        first: The first item, taken by the caller to get early errors before the status is sent.
        stream: The remaining items.
        event: Converts an item to an event.
        failed: Converts an error after the first item to the last event.
    """

    def __init__(
        self,
        first: _Item | None,
        stream: BlockingStream[_Item],
        event: Callable[[_Item], Mapping[str, str]],
        failed: Callable[[Exception], Mapping[str, str]],
    ) -> None:
        self._first, self._stream = first, stream
        self._event, self._failed = event, failed
        super().__init__(self._events())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events, and close the generator at the end or on disconnect."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._stream.close()

    async def _events(self) -> AsyncIterator[Mapping[str, str]]:
        item = self._first
        try:
            while item is not None:
                yield self._event(item)
                item = await self._stream.next()
        # The status is sent already; the last event reports the error.
        except Exception as error:  # noqa: BLE001
            yield self._failed(error)
