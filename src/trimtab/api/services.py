"""What the routes work with; `app.py` fills it in."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from trimtab.infra.audit import Audit
from trimtab.infra.auth import Keys, Principal
from trimtab.infra.settings import Settings
from trimtab.infra.web import Sessions, caller
from trimtab.kernel.clock import Clock
from trimtab.kernel.health import Health
from trimtab.kernel.operable import Catalog


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a route may call."""

    settings: Settings
    clock: Clock
    health: Health
    registry: CollectorRegistry
    catalog: Catalog
    audit: Audit
    keys: Keys
    sessions: Sessions


def _services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


Here = Annotated[Services, Depends(_services)]
"""The services, as a route's parameter."""

Caller = Annotated[Principal, Depends(caller)]
"""Whom the route's role check has admitted, as a route's parameter."""
