"""What every request passes before it reaches a route, and every answer on its way out."""

from trimtab.api.http.access_log import Recorded
from trimtab.api.http.body_limit import BodyLimit
from trimtab.api.http.headers import SecurityHeaders
from trimtab.api.http.lazy_app import Late
from trimtab.api.http.local_admin import AsAdmin, PathSwitch
from trimtab.api.http.metrics import Finished, HttpFigures
from trimtab.api.http.origin import TrustedOrigins
from trimtab.api.http.rate import RateLimit

__all__ = [
    "AsAdmin",
    "BodyLimit",
    "Finished",
    "HttpFigures",
    "Late",
    "PathSwitch",
    "RateLimit",
    "Recorded",
    "SecurityHeaders",
    "TrustedOrigins",
]
