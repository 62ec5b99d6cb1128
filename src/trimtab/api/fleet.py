"""Route of the processes that share one database."""

from dataclasses import dataclass

from fastapi import APIRouter

from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import OPERATOR
from trimtab.api.services import EnvDep
from trimtab.infra.fleet import FleetProcess

router = APIRouter(prefix="/api/v1/fleet", tags=["service"], route_class=ApiRoute)


@dataclass(frozen=True, slots=True)
class FleetReport:
    """The processes on one database, as the answering process sees them."""

    process_id: str
    """Id of the process that answers."""
    processes: tuple[FleetProcess, ...]
    """The oldest first."""


@router.get("", dependencies=[OPERATOR])
def fleet(env: EnvDep) -> FleetReport:
    """List the processes on this database."""
    return FleetReport(env.fleet.me.id, tuple(env.fleet.processes()))
