"""The control socket's way in."""

from starlette.types import ASGIApp, Receive, Scope, Send

from trimtab.infra.web.access import CONTROL


class AsAdmin:
    """Names the caller ``local`` with the role admin: the socket's file permissions have admitted it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as the local administrator's."""
        await self._app({**scope, "trimtab.principal": CONTROL}, receive, send)


class ControlRoutes:
    """Sends the paths under a prefix to an app of their own."""

    def __init__(self, app: ASGIApp, *, prefix: str, routes: ASGIApp) -> None:
        self._app = app
        self._prefix = prefix
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to whichever app its path belongs to."""
        path = scope.get("path", "")
        ours = path == self._prefix or path.startswith(f"{self._prefix}/")
        await (self._routes if ours else self._app)(scope, receive, send)
