"""Route of the processes that share one database."""

from collections.abc import Mapping
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
    latest: int
    """Number of the newest common change; a process that has applied it is up to date."""
    switches: Mapping[str, object]
    """What is in force in the answering process: bypass, live rules, routes, cache sizes."""


@router.get("", dependencies=[OPERATOR])
def show_fleet(env: EnvDep) -> FleetReport:
    """List the processes on this database."""
    fleet = env.fleet
    return FleetReport(fleet.me.id, tuple(fleet.processes()), fleet.latest(), fleet.switches())
