"""Authentication of the control socket, and mounting of apps below a path."""

from dataclasses import replace

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from trimtab.infra.control_socket import LABELS_HEADER
from trimtab.infra.web.access import CONTROL


class LocalAdminMiddleware:
    """Authenticates each caller as the local admin: the socket's file mode restricts access."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle the request as local admin, with the access labels that the header names."""
        given = Headers(scope=scope).get(LABELS_HEADER, "") if scope["type"] == "http" else ""
        labels = tuple(sorted({label.strip() for label in given.split(",") if label.strip()}))
        principal = replace(CONTROL, labels=labels) if labels else CONTROL
        await self._app({**scope, "trimtab.principal": principal}, receive, send)


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
