"""HTTP middleware, server and OpenAPI document of the API."""

from trimtab.api.http.direct import DirectRoutes
from trimtab.api.http.lazy_app import LazyApp, PathMount
from trimtab.api.http.metrics import HttpMetrics
from trimtab.api.http.middleware import RequestLog, RequestMiddleware
from trimtab.api.http.origin import TrustedOrigins
from trimtab.api.http.rate import AddressRateLimit

__all__ = [
    "AddressRateLimit",
    "DirectRoutes",
    "HttpMetrics",
    "LazyApp",
    "PathMount",
    "RequestLog",
    "RequestMiddleware",
    "TrustedOrigins",
]
