"""The control socket's way in, and the switch that gives a path to an app of its own."""

from dataclasses import replace

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from trimtab.infra.control_socket import LABELS_HEADER
from trimtab.infra.web.access import CONTROL


class LocalAdminMiddleware:
    """Names the caller ``local`` with the role admin: the socket's file permissions have admitted it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as the local administrator's, who sees labelled documents only by naming the labels."""
        given = Headers(scope=scope).get(LABELS_HEADER, "") if scope["type"] == "http" else ""
        labels = tuple(sorted({label.strip() for label in given.split(",") if label.strip()}))
        principal = replace(CONTROL, labels=labels) if labels else CONTROL
        await self._app({**scope, "trimtab.principal": principal}, receive, send)


class PathMount:
    """Sends the paths under a prefix to an app of their own, which sees the whole path."""

    def __init__(self, app: ASGIApp, *, prefix: str, there: ASGIApp) -> None:
        self._app = app
        self._prefix = prefix
        self._there = there

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to whichever app its path belongs to."""
        path = scope.get("path", "")
        inside = path == self._prefix or path.startswith(f"{self._prefix}/")
        await (self._there if inside else self._app)(scope, receive, send)
