"""Route by which the MCP server records what agents call."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import READER
from trimtab.api.services import Caller, PeopleDep
from trimtab.incidents.people import AgentCall
from trimtab.infra.web.access import ANONYMOUS
from trimtab.kernel.errors import ErrorKind, Unauthenticated

router = APIRouter(prefix="/v1/agent-calls", tags=["incidents"], route_class=ApiRoute)


class AgentCallRequest(BaseModel):
    """A call of a tool by an agent."""

    agent: Annotated[str, StringConstraints(pattern=r"^[\w .:/@+-]{1,100}$")]
    """The program, as it names itself."""
    tool: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,60}$")]
    arguments: Annotated[str, StringConstraints(max_length=1000)] = ""
    incident: Annotated[str, StringConstraints(max_length=100)] = ""
    """The incident whose journal gets the call; empty for the audit chain."""


@router.post(
    "",
    status_code=204,
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[READER],
)
def record_call(request: AgentCallRequest, people: PeopleDep, principal: Caller) -> None:
    """Record a call of an agent, before it is carried out."""
    if principal is ANONYMOUS:
        raise Unauthenticated("Calls of agents are recorded under the name of a key.")
    call = AgentCall(request.agent, request.tool, request.arguments)
    people.record_call(request.incident, call, principal.name)
