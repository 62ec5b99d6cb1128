"""Routes of maintenance mode."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import OPERATOR, READER
from trimtab.api.services import Caller, EnvDep, MaintenanceDep
from trimtab.infra.maintenance import MAX_MESSAGE, MaintenanceState
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/v1/maintenance", tags=["service"], route_class=ApiRoute)


class MaintenanceRequest(BaseModel):
    """Requested state of maintenance mode, with the message for callers."""

    on: bool
    message: Annotated[str, StringConstraints(max_length=MAX_MESSAGE)] = ""
    """Empty uses the setting `service.maintenance_message`."""
    scope: Literal["", "all", "writes"] = ""
    """``writes`` continues answering questions."""


@router.get("", dependencies=[READER])
def state(maintenance: MaintenanceDep) -> MaintenanceState:
    """Return whether maintenance mode is on, since when and why."""
    return maintenance.state


@router.put("", responses=refuses(ErrorKind.STORAGE_FULL), dependencies=[OPERATOR])
def change(
    request: MaintenanceRequest, env: EnvDep, maintenance: MaintenanceDep, caller: Caller
) -> MaintenanceState:
    """Switch maintenance mode on or off."""
    if request.on:
        done = maintenance.start(caller.name, request.message, request.scope)
    else:
        done = maintenance.stop(caller.name)
    facts = {"on": done.on, "scope": done.scope}
    env.audit.append(caller.name, "service.maintenance_changed", "maintenance", facts)
    return done
