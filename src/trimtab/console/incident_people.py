"""Forms by which people declare incidents and work on them."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import StringConstraints
from starlette.responses import Response

from trimtab.console.incidents import panel
from trimtab.console.services import OPERATOR, Caller, EnvDep, IncidentsDep, PeopleDep
from trimtab.incidents.model import IncidentSeverity
from trimtab.incidents.people import Declaration
from trimtab.infra.web.routes import GuardedRoute

router = APIRouter(prefix="/console/incidents", route_class=GuardedRoute)

Line = Annotated[str, Form(min_length=1, max_length=300)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Note = Annotated[str, Form(min_length=1, max_length=4000)]


class IncidentCall:
    """A call of a form on the page of an incident."""

    def __init__(
        self,
        request: Request,
        incident_id: str,
        env: EnvDep,
        incidents: IncidentsDep,
        people: PeopleDep,
        principal: Caller,
    ) -> None:
        self.incident_id, self.people, self.principal = incident_id, people, principal
        self._request, self._env, self._incidents = request, env, incidents

    def panel(self) -> HTMLResponse:
        """Return the incident as it is now, without its timeline."""
        return panel(self._request, self.incident_id, self._env, self._incidents)


Call = Annotated[IncidentCall, Depends()]


@router.post("", dependencies=[OPERATOR])
def declare(
    people: PeopleDep,
    principal: Caller,
    title: Annotated[Title, Form()],
    severity: Annotated[IncidentSeverity, Form()],
    component: Annotated[str, Form(max_length=200)] = "",
    description: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    """Open an incident that no alert has reported, and lead to its page."""
    declared = Declaration(title, severity, component.strip(), description=description.strip())
    found = people.declare(declared, principal.name)
    return RedirectResponse(f"/console/incidents/{found.id}", HTTPStatus.SEE_OTHER)


@router.post("/{incident_id}/acknowledge", dependencies=[OPERATOR])
def acknowledge(call: Call) -> HTMLResponse:
    """Acknowledge the incident."""
    call.people.acknowledge(call.incident_id, call.principal.name)
    return call.panel()


@router.post("/{incident_id}/assign", dependencies=[OPERATOR])
def assign(
    call: Call,
    person: Annotated[str, Form(max_length=200)] = "",
) -> HTMLResponse:
    """Make a person responsible."""
    call.people.assign(call.incident_id, person.strip(), call.principal.name)
    return call.panel()


@router.post("/{incident_id}/severity", dependencies=[OPERATOR])
def set_severity(
    call: Call,
    severity: Annotated[IncidentSeverity, Form()],
) -> HTMLResponse:
    """Set the severity."""
    call.people.set_severity(call.incident_id, severity, call.principal.name)
    return call.panel()


@router.post("/{incident_id}/note", dependencies=[OPERATOR])
def note(
    call: Call,
    text: Note,
) -> HTMLResponse:
    """Write a note to the journal."""
    call.people.note(call.incident_id, text, call.principal.name)
    return call.panel()


@router.post("/{incident_id}/take-over", dependencies=[OPERATOR])
def take_over(call: Call) -> HTMLResponse:
    """Work on the incident instead of trimtab."""
    call.people.take_over(call.incident_id, call.principal.name)
    return call.panel()


@router.post("/{incident_id}/hand-back", dependencies=[OPERATOR])
def hand_back(call: Call) -> HTMLResponse:
    """Let trimtab diagnose and plan again."""
    call.people.hand_back(call.incident_id, call.principal.name)
    return call.panel()


@router.post("/{incident_id}/resolve", dependencies=[OPERATOR])
def resolve(
    call: Call,
    cause: Line,
    resolution: Note,
) -> HTMLResponse:
    """Resolve the incident with its cause."""
    call.people.resolve(call.incident_id, call.principal.name, cause, resolution)
    return call.panel()


@router.post("/{incident_id}/follow-ups", dependencies=[OPERATOR])
def add_follow_up(
    call: Call,
    text: Line,
) -> HTMLResponse:
    """Add something to do afterwards."""
    call.people.add_follow_up(call.incident_id, text, call.principal.name)
    return call.panel()


@router.post("/{incident_id}/follow-ups/{number}/done", dependencies=[OPERATOR])
def finish_follow_up(
    call: Call,
    number: str,
) -> HTMLResponse:
    """Mark a follow-up as done."""
    call.people.finish_follow_up(call.incident_id, number, call.principal.name)
    return call.panel()
