"""ASGI apps created on their first request, and mounting of apps below a path."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from anyio.to_thread import run_sync
from starlette.types import ASGIApp, Receive, Scope, Send

App = TypeVar("App", bound=ASGIApp)


class LazyApp(Generic[App]):
    """Creates the app once, outside the event loop, so that a start does not wait for it.

    Args:
        make: Imports what the app needs and returns it.
    """

    def __init__(self, make: Callable[[], App]) -> None:
        self._make = make
        self._making = threading.Lock()
        self._app: App | None = None

    def app(self) -> App:
        """Return the app; the first call creates it."""
        with self._making:
            if self._app is None:
                self._app = self._make()
            return self._app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle the request with the app."""
        app = await run_sync(self.app) if self._app is None else self._app
        await app(scope, receive, send)


class PathMount:
    """Mounts an app below a path prefix; the app sees the whole path."""

    def __init__(self, app: ASGIApp, *, prefix: str, there: ASGIApp) -> None:
        self._app = app
        self._prefix = prefix
        self._there = there

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle the request with the app of its path."""
        path = scope.get("path", "")
        inside = path == self._prefix or path.startswith(f"{self._prefix}/")
        await (self._there if inside else self._app)(scope, receive, send)
