"""A generator that blocks, sent as server-sent events from threads, and closed when its reader goes away."""

from collections.abc import AsyncIterator, Callable, Generator, Mapping
from typing import Generic, TypeVar

import anyio
import anyio.to_thread
from sse_starlette import EventSourceResponse
from starlette.types import Receive, Scope, Send

from trimtab.infra.web.concurrency_limiter import Places

_Item = TypeVar("_Item")


class Steps(Generic[_Item]):
    """Takes a blocking generator one step at a time, each at a place of its own: slow readers hold none."""

    def __init__(self, generator: Generator[_Item, None, None], places: Places) -> None:
        self._generator = generator
        self._places = places

    async def first(self) -> _Item | None:
        """Return the first item, or None; raises `TooManyWaiting`, and what the generator raises."""
        return await self._places.run(self._step)

    async def next(self) -> _Item | None:
        """Return the next item, or None after the last; raises what the generator raises."""
        return await self._places.go_on(self._step)

    def _step(self) -> _Item | None:
        return next(self._generator, None)

    async def close(self) -> None:
        """Stop the work; also when the caller is being cancelled."""
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._generator.close)


class StepEvents(EventSourceResponse, Generic[_Item]):
    """Server-sent events of a blocking generator.

    Args:
        first: Its first item; whoever took it has seen that the work could begin.
        steps: The rest.
        event: Turns an item into an event.
        failed: Turns an error after the first item into the last event.
    """

    def __init__(
        self,
        first: _Item | None,
        steps: Steps[_Item],
        event: Callable[[_Item], Mapping[str, str]],
        failed: Callable[[Exception], Mapping[str, str]],
    ) -> None:
        self._first, self._steps = first, steps
        self._event, self._failed = event, failed
        super().__init__(self._events())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them; the generator is closed at the end, however it comes."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._steps.close()

    async def _events(self) -> AsyncIterator[Mapping[str, str]]:
        item = self._first
        try:
            while item is not None:
                yield self._event(item)
                item = await self._steps.next()
        except Exception as error:  # noqa: BLE001 - the status is sent already; the event tells, and logs.
            yield self._failed(error)
