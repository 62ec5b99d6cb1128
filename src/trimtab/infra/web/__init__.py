"""Shared by HTTP API and console: authentication, sessions, rate and concurrency limits."""

from trimtab.infra.web.access import PUBLIC, Access, Needs, admitted, caller, signed_in, viewer
from trimtab.infra.web.concurrency_limiter import ConcurrencyLimiter
from trimtab.infra.web.limits import RateLimits
from trimtab.infra.web.live import LiveViews, Viewer
from trimtab.infra.web.sessions import Sessions

__all__ = [
    "PUBLIC",
    "Access",
    "ConcurrencyLimiter",
    "LiveViews",
    "Needs",
    "RateLimits",
    "Sessions",
    "Viewer",
    "admitted",
    "caller",
    "signed_in",
    "viewer",
]
