"""What the HTTP interface and the console share: who is calling, console sessions, rate limits."""

from trimtab.infra.web.access import PUBLIC, Access, Needs, admitted, caller, viewer
from trimtab.infra.web.concurrency_limiter import Places
from trimtab.infra.web.limits import RateLimits
from trimtab.infra.web.live import LiveViews, Viewer
from trimtab.infra.web.sessions import Sessions

__all__ = [
    "PUBLIC",
    "Access",
    "LiveViews",
    "Needs",
    "Places",
    "RateLimits",
    "Sessions",
    "Viewer",
    "admitted",
    "caller",
    "viewer",
]
