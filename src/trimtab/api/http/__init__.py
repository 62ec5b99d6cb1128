"""HTTP middleware, server and OpenAPI document of the API."""

from trimtab.api.http.access_log import AccessLogMiddleware
from trimtab.api.http.body_limit import BodyLimitMiddleware
from trimtab.api.http.headers import SecurityHeadersMiddleware
from trimtab.api.http.lazy_app import LazyApp
from trimtab.api.http.local_admin import LocalAdminMiddleware, PathMount
from trimtab.api.http.metrics import FinishedRequest, HttpMetrics
from trimtab.api.http.origin import TrustedOriginsMiddleware
from trimtab.api.http.rate import RateLimitMiddleware

__all__ = [
    "AccessLogMiddleware",
    "BodyLimitMiddleware",
    "FinishedRequest",
    "HttpMetrics",
    "LazyApp",
    "LocalAdminMiddleware",
    "PathMount",
    "RateLimitMiddleware",
    "SecurityHeadersMiddleware",
    "TrustedOriginsMiddleware",
]
