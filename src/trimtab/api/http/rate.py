"""Middleware that limits requests per address.

Three lanes, so that one does not starve the other: work (the API, and whatever the console changes)
has the contract's limit; the console's pages, which refresh themselves, have a wider one of their
own; health, metrics and static files have none.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from trimtab.api.errors import error_response
from trimtab.infra.web import RateLimits
from trimtab.infra.web.limits import TooManyCalls

_FREE = ("/health", "/metrics", "/console/static/", "/api/v1/heartbeat")
_PAGES_PER_WORK = 10


class RateLimitMiddleware:
    """Answers 429 with ``Retry-After`` above the limit.

    Args:
        per_minute: Calls a minute that one address may make; 0 means any number.
    """

    def __init__(self, app: ASGIApp, *, limits: RateLimits, per_minute: int) -> None:
        self._app = app
        self._limits = limits
        self._per_minute = per_minute

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the request, then handle or refuse it."""
        try:
            self._count(scope)
        except TooManyCalls as refusal:
            await error_response(refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _count(self, scope: Scope) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_FREE):
            return
        address = scope["client"][0] if scope.get("client") else "unknown"
        is_page = scope["path"].startswith("/console") and scope["method"] in ("GET", "HEAD")
        if is_page:
            self._limits.take(f"pages:{address}", self._per_minute * _PAGES_PER_WORK)
        else:
            self._limits.take(f"work:{address}", self._per_minute)
