"""ASGI apps created on their first request, and mounting of apps below a path."""

import threading
from collections.abc import Callable, Mapping
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
    """Mounts apps below path prefixes; each app sees the whole path.

    Args:
        app: Of all other paths.
        mounts: The app of each prefix; the first that fits is taken.
    """

    def __init__(self, app: ASGIApp, mounts: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._mounts = tuple((prefix, f"{prefix}/", there) for prefix, there in mounts.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle the request with the app of its path."""
        path, app = scope.get("path", ""), self._app
        for prefix, start, there in self._mounts:
            if path == prefix or path.startswith(start):
                app = there
                break
        await app(scope, receive, send)
