"""Route of the processes that share one database."""

from fastapi import APIRouter

from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import OPERATOR
from trimtab.api.services import EnvDep
from trimtab.infra.fleet import FleetProcess

router = APIRouter(prefix="/api/v1/fleet", tags=["service"], route_class=ApiRoute)


@router.get("", dependencies=[OPERATOR])
def fleet(env: EnvDep) -> list[FleetProcess]:
    """List the processes on this database, the oldest first."""
    return env.fleet.processes()
