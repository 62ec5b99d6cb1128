"""Forms of an incident's page: acknowledge, assign, take over, resolve."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from trimtab.console.incidents import panel
from trimtab.console.services import OPERATOR, Caller, EnvDep, IncidentsDep, PeopleDep
from trimtab.incidents.model import IncidentSeverity
from trimtab.infra.web.routes import GuardedRoute

router = APIRouter(prefix="/console/incidents", route_class=GuardedRoute)

Line = Annotated[str, Form(min_length=1, max_length=300)]
Note = Annotated[str, Form(min_length=1, max_length=4000)]


@router.post("/{incident_id}/acknowledge", dependencies=[OPERATOR])
def acknowledge(
    request: Request,
    incident_id: str,
    env: EnvDep,
    incidents: IncidentsDep,
    people: PeopleDep,
    principal: Caller,
) -> HTMLResponse:
    """Acknowledge the incident."""
    people.acknowledge(incident_id, principal.name)
    return panel(request, incident_id, env, incidents)


@router.post("/{incident_id}/assign", dependencies=[OPERATOR])
def assign(
    request: Request,
    incident_id: str,
    env: EnvDep,
    incidents: IncidentsDep,
    people: PeopleDep,
    principal: Caller,
    person: Annotated[str, Form(max_length=200)] = "",
) -> HTMLResponse:
    """Make a person responsible."""
    people.assign(incident_id, person.strip(), principal.name)
    return panel(request, incident_id, env, incidents)


@router.post("/{incident_id}/severity", dependencies=[OPERATOR])
def set_severity(
    request: Request,
    incident_id: str,
    env: EnvDep,
    incidents: IncidentsDep,
    people: PeopleDep,
    principal: Caller,
    severity: Annotated[IncidentSeverity, Form()],
) -> HTMLResponse:
    """Set the severity."""
    people.set_severity(incident_id, severity, principal.name)
    return panel(request, incident_id, env, incidents)


@router.post("/{incident_id}/note", dependencies=[OPERATOR])
def note(
    request: Request,
    incident_id: str,
    env: EnvDep,
    incidents: IncidentsDep,
    people: PeopleDep,
    principal: Caller,
    text: Note,
) -> HTMLResponse:
    """Write a note to the journal."""
    people.note(incident_id, text, principal.name)
    return panel(request, incident_id, env, incidents)


@router.post("/{incident_id}/take-over", dependencies=[OPERATOR])
def take_over(
    request: Request,
    incident_id: str,
    env: EnvDep,
    incidents: IncidentsDep,
    people: PeopleDep,
    principal: Caller,
) -> HTMLResponse:
    """Work on the incident instead of trimtab."""
    people.take_over(incident_id, principal.name)
    return panel(request, incident_id, env, incidents)


@router.post("/{incident_id}/hand-back", dependencies=[OPERATOR])
def hand_back(
    request: Request,
    incident_id: str,
    env: EnvDep,
    incidents: IncidentsDep,
    people: PeopleDep,
    principal: Caller,
) -> HTMLResponse:
    """Let trimtab diagnose and plan again."""
    people.hand_back(incident_id, principal.name)
    return panel(request, incident_id, env, incidents)


@router.post("/{incident_id}/resolve", dependencies=[OPERATOR])
def resolve(
    request: Request,
    incident_id: str,
    env: EnvDep,
    incidents: IncidentsDep,
    people: PeopleDep,
    principal: Caller,
    cause: Line,
    resolution: Note,
) -> HTMLResponse:
    """Resolve the incident with its cause."""
    people.resolve(incident_id, principal.name, cause, resolution)
    return panel(request, incident_id, env, incidents)


@router.post("/{incident_id}/follow-ups", dependencies=[OPERATOR])
def add_follow_up(
    request: Request,
    incident_id: str,
    env: EnvDep,
    incidents: IncidentsDep,
    people: PeopleDep,
    principal: Caller,
    text: Line,
) -> HTMLResponse:
    """Add something to do afterwards."""
    people.add_follow_up(incident_id, text, principal.name)
    return panel(request, incident_id, env, incidents)


@router.post("/{incident_id}/follow-ups/{number}/done", dependencies=[OPERATOR])
def finish_follow_up(
    request: Request,
    incident_id: str,
    number: str,
    env: EnvDep,
    incidents: IncidentsDep,
    people: PeopleDep,
    principal: Caller,
) -> HTMLResponse:
    """Mark a follow-up as done."""
    people.finish_follow_up(incident_id, number, principal.name)
    return panel(request, incident_id, env, incidents)
