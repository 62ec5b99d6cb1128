"""Routes of what people do with incidents: declare, acknowledge, assign, take over, resolve."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.http.texts import ArgumentValue
from trimtab.api.incidents import IncidentSummary
from trimtab.api.roles import OPERATOR
from trimtab.api.services import Caller, IncidentsDep, PeopleDep
from trimtab.incidents.model import IncidentSeverity, Plan
from trimtab.incidents.people import Declaration
from trimtab.incidents.proposals import Proposal, propose
from trimtab.kernel.errors import ErrorKind
from trimtab.runbooks import Act

router = APIRouter(prefix="/v1/incidents", tags=["incidents"], route_class=ApiRoute)

_REFUSALS = refuses(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.STORAGE_FULL)
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Optional = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class Declare(BaseModel):
    """An incident that no alert has reported."""

    title: Line
    severity: IncidentSeverity = IncidentSeverity.P2
    component: Name = ""
    system: Name = ""
    description: Optional = ""


class Acknowledge(BaseModel):
    """Duration in which no one is paged."""

    minutes: Annotated[float, Field(gt=0, le=1440)] | None = None
    """`incidents.acknowledge_minutes` when it is not given."""


class Assign(BaseModel):
    """Person who is responsible."""

    person: Name
    """Empty to take it back."""


class WriteNote(BaseModel):
    """A note for the journal."""

    text: Note


class SetSeverity(BaseModel):
    """New severity of an incident."""

    severity: IncidentSeverity
    reason: Optional = ""


class Resolve(BaseModel):
    """The cause, and what ended the incident, as a person states them."""

    cause: Line
    resolution: Note


class ProposalAct(BaseModel):
    """An action of the catalog with its arguments."""

    action: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    arguments: dict[str, ArgumentValue] = Field(default_factory=dict)


class Propose(BaseModel):
    """A plan that a person or an agent proposes."""

    cause: Line
    acts: Annotated[list[ProposalAct], Field(min_length=1, max_length=10)]


class NewFollowUp(BaseModel):
    """Something to do after the incident."""

    text: Line
    owner: Name = ""


@router.post(
    "",
    status_code=201,
    responses=refuses(ErrorKind.STORAGE_FULL, ErrorKind.RATE_LIMITED, ErrorKind.UNAVAILABLE),
    dependencies=[OPERATOR],
)
def declare(request: Declare, people: PeopleDep, principal: Caller) -> IncidentSummary:
    """Declare an incident by hand."""
    declared = Declaration(
        request.title, request.severity, request.component, request.system, request.description
    )
    return IncidentSummary.of(people.declare(declared, principal.name))


@router.post("/{incident_id}/acknowledge", responses=_REFUSALS, dependencies=[OPERATOR])
def acknowledge(
    incident_id: str, request: Acknowledge, people: PeopleDep, principal: Caller
) -> IncidentSummary:
    """Acknowledge an incident: no one is paged until the acknowledgement ends."""
    return IncidentSummary.of(people.acknowledge(incident_id, principal.name, request.minutes))


@router.post("/{incident_id}/assign", responses=_REFUSALS, dependencies=[OPERATOR])
def assign(
    incident_id: str, request: Assign, people: PeopleDep, principal: Caller
) -> IncidentSummary:
    """Make a person responsible for an incident."""
    return IncidentSummary.of(people.assign(incident_id, request.person, principal.name))


@router.post("/{incident_id}/notes", responses=_REFUSALS, dependencies=[OPERATOR])
def note(
    incident_id: str, request: WriteNote, people: PeopleDep, principal: Caller
) -> IncidentSummary:
    """Write a note to the journal."""
    return IncidentSummary.of(people.note(incident_id, request.text, principal.name))


@router.post("/{incident_id}/severity", responses=_REFUSALS, dependencies=[OPERATOR])
def set_severity(
    incident_id: str, request: SetSeverity, people: PeopleDep, principal: Caller
) -> IncidentSummary:
    """Set the severity."""
    changed = people.set_severity(incident_id, request.severity, principal.name, request.reason)
    return IncidentSummary.of(changed)


@router.post("/{incident_id}/take-over", responses=_REFUSALS, dependencies=[OPERATOR])
def take_over(incident_id: str, people: PeopleDep, principal: Caller) -> IncidentSummary:
    """Work on an incident instead of trimtab, which only watches."""
    return IncidentSummary.of(people.take_over(incident_id, principal.name))


@router.post("/{incident_id}/hand-back", responses=_REFUSALS, dependencies=[OPERATOR])
def hand_back(incident_id: str, people: PeopleDep, principal: Caller) -> IncidentSummary:
    """Let trimtab diagnose and plan again."""
    return IncidentSummary.of(people.hand_back(incident_id, principal.name))


@router.post("/{incident_id}/resolve", responses=_REFUSALS, dependencies=[OPERATOR])
def resolve(
    incident_id: str, request: Resolve, people: PeopleDep, principal: Caller
) -> IncidentSummary:
    """Resolve an incident with the cause that a person has found."""
    name = principal.name
    return IncidentSummary.of(people.resolve(incident_id, name, request.cause, request.resolution))


@router.post(
    "/{incident_id}/proposals", status_code=201, responses=_REFUSALS, dependencies=[OPERATOR]
)
def propose_plan(
    incident_id: str, request: Propose, incidents: IncidentsDep, principal: Caller
) -> Plan:
    """Propose a plan for an escalated incident; another caller approves it.

    Every act is in the catalog, and is tried dry first.
    """
    acts = tuple(Act(each.action, each.arguments, 0) for each in request.acts)
    given = Proposal(request.cause, acts)
    return propose(incidents.context, incidents, incident_id, given, principal.name)


@router.post("/{incident_id}/follow-ups", responses=_REFUSALS, dependencies=[OPERATOR])
def add_follow_up(
    incident_id: str, request: NewFollowUp, people: PeopleDep, principal: Caller
) -> IncidentSummary:
    """Add something to do after the incident."""
    added = people.add_follow_up(incident_id, request.text, principal.name, request.owner)
    return IncidentSummary.of(added)


@router.post(
    "/{incident_id}/follow-ups/{number}/done", responses=_REFUSALS, dependencies=[OPERATOR]
)
def finish_follow_up(
    incident_id: str, number: str, people: PeopleDep, principal: Caller
) -> IncidentSummary:
    """Mark a follow-up as done."""
    return IncidentSummary.of(people.finish_follow_up(incident_id, number, principal.name))
