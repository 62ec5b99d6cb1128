"""Route of the status page: open and recent incidents in plain words."""

from fastapi import APIRouter

from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import READER
from trimtab.api.services import EnvDep, IncidentsDep, SilencesDep
from trimtab.incidents.status_page import StatusBody, status_of

router = APIRouter(prefix="/v1/status", tags=["health"], route_class=ApiRoute)


@router.get("", dependencies=[READER])
def status(env: EnvDep, incidents: IncidentsDep, silences: SilencesDep) -> StatusBody:
    """Return the service status, announced work, open incidents and those of the last week.

    Incidents of drills are left out.
    """
    return status_of(env, incidents, silences)
