"""Route of the serving process: its start and its restart."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter

from trimtab import __version__
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import READER
from trimtab.api.services import ProcessDep

router = APIRouter(prefix="/v1/service", tags=["service"], route_class=ApiRoute)


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """The process that serves."""

    version: str
    started_at: datetime | None
    """None before its start was recorded."""


@router.get("", dependencies=[READER])
def process(metrics: ProcessDep) -> ServiceProcess:
    """Return release and start of the serving process."""
    return ServiceProcess(__version__, metrics.started_at)
