"""Limits requests per address.

Four lanes, so that one does not starve the other: work (the API, and whatever the console changes)
has the contract's limit; the console's pages, which refresh themselves, and alerts from outside,
which come in storms, have wider ones of their own; health, metrics and static files have none.
"""

from dataclasses import dataclass

from starlette.types import Scope

from trimtab.infra.web import RateLimits
from trimtab.infra.web.limits import TooManyCalls
from trimtab.infra.web.proxies import rate_limit_key

_FREE = ("/health", "/metrics", "/console/static/", "/api/v1/heartbeat")
_PAGES_PER_WORK = 10
_ALERTS = ("/api/v2/alerts", "/v1/alerts/webhooks/")
_ALERTS_PER_WORK = 20
"""Prometheus posts up to 64 alerts at once: 10,000 alerts a minute are 157 requests of each of its
servers, which may share an address.
"""


@dataclass(frozen=True, slots=True)
class AddressRateLimit:
    """Counts the requests of each address.

    Attributes:
        limits: Counts them.
        per_minute: Calls a minute that one address may make; 0 means any number.
    """

    limits: RateLimits
    per_minute: int

    async def check(self, scope: Scope) -> TooManyCalls | None:
        """Count the request, or return why it is refused."""
        if self.per_minute == 0 or scope["path"].startswith(_FREE):
            return None
        address = rate_limit_key(scope["client"][0]) if scope.get("client") else "unknown"
        is_page = scope["path"].startswith("/console") and scope["method"] in ("GET", "HEAD")
        is_alert = scope["path"].startswith(_ALERTS) and scope["method"] == "POST"
        lane, factor = ("pages", _PAGES_PER_WORK) if is_page else ("work", 1)
        if is_alert:
            lane, factor = "alerts", _ALERTS_PER_WORK
        try:
            await self.limits.admit(f"{lane}:{address}", self.per_minute * factor)
        except TooManyCalls as refusal:
            return refusal
        return None
