"""What every request passes before it reaches a route, and every answer on its way out."""

from trimtab.api.edge.body import BodyLimit
from trimtab.api.edge.control import AsAdmin, PathSwitch
from trimtab.api.edge.figures import Finished, HttpFigures
from trimtab.api.edge.headers import SecurityHeaders
from trimtab.api.edge.late import Late
from trimtab.api.edge.origin import TrustedOrigins
from trimtab.api.edge.rate import RateLimit
from trimtab.api.edge.record import Recorded

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
