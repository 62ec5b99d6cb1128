"""Limits requests per address.

Three lanes, so that one does not starve the other: work (the API, and whatever the console changes)
has the contract's limit; the console's pages, which refresh themselves, have a wider one of their
own; health, metrics and static files have none.
"""

from dataclasses import dataclass

from starlette.types import Scope

from trimtab.infra.web import RateLimits
from trimtab.infra.web.limits import TooManyCalls

_FREE = ("/health", "/metrics", "/console/static/", "/api/v1/heartbeat")
_PAGES_PER_WORK = 10


@dataclass(frozen=True, slots=True)
class AddressRateLimit:
    """Counts the requests of each address.

    Attributes:
        limits: Counts them.
        per_minute: Calls a minute that one address may make; 0 means any number.
    """

    limits: RateLimits
    per_minute: int

    def check(self, scope: Scope) -> TooManyCalls | None:
        """Count the request, or return why it is refused."""
        if scope["path"].startswith(_FREE):
            return None
        address = scope["client"][0] if scope.get("client") else "unknown"
        is_page = scope["path"].startswith("/console") and scope["method"] in ("GET", "HEAD")
        lane, factor = ("pages", _PAGES_PER_WORK) if is_page else ("work", 1)
        try:
            self.limits.take(f"{lane}:{address}", self.per_minute * factor)
        except TooManyCalls as refusal:
            return refusal
        return None
