"""Routes of on-call schedules and escalation ladders."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import OPERATOR, READER
from trimtab.api.services import Caller, EnvDep, IncidentsDep, OnCallDep
from trimtab.incidents.oncall import Override
from trimtab.incidents.oncall.service import OnCallNow
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/v1/oncall", tags=["incidents"], route_class=ApiRoute)

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class OnCallBody:
    """People on call, and the overrides that are not over."""

    at: datetime
    on_call: tuple[OnCallNow, ...]
    overrides: tuple[Override, ...]


@dataclass(frozen=True, slots=True)
class LadderStep:
    """A role that a ladder calls, and who that is now."""

    after_seconds: float
    role: str
    person: str
    """Empty when no schedule knows."""
    severities: tuple[str, ...]
    """Empty for all."""
    page: bool


@dataclass(frozen=True, slots=True)
class LadderBody:
    """An escalation ladder."""

    name: str
    system: str
    steps: tuple[LadderStep, ...]


@dataclass(frozen=True, slots=True)
class LadderList:
    """Every escalation ladder."""

    policies: tuple[LadderBody, ...]


class NewOverride(BaseModel):
    """Another person for a time."""

    schedule: Name
    person: Name
    starts_at: datetime
    ends_at: datetime


@router.get("", dependencies=[READER])
def on_call(env: EnvDep, on_call: OnCallDep, at: datetime | None = None) -> OnCallBody:
    """Return who is on call by each schedule, now or at an instant."""
    when = env.clock.now() if at is None else _aware(at)
    return OnCallBody(when, tuple(on_call.at(when)), tuple(on_call.overrides()))


@router.get("/policies", dependencies=[READER])
def policies(env: EnvDep, on_call: OnCallDep, incidents: IncidentsDep) -> LadderList:
    """List the escalation ladders with the people who are called now."""
    now = env.clock.now()
    found = []
    for ladder in incidents.context.ladders.values():
        steps = tuple(
            LadderStep(
                rung.after.total_seconds(),
                rung.role,
                on_call.person_for(rung.role, now),
                rung.severities,
                rung.page,
            )
            for rung in ladder.rungs
        )
        found.append(LadderBody(ladder.name, ladder.system, steps))
    return LadderList(tuple(found))


@router.post(
    "/overrides",
    status_code=201,
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[OPERATOR],
)
def add_override(new: NewOverride, on_call: OnCallDep, principal: Caller) -> Override:
    """Put another person on call for a time."""
    times = (_aware(new.starts_at), _aware(new.ends_at))
    return on_call.override(new.schedule, new.person, times, principal.name)


@router.delete(
    "/overrides/{override_id}",
    status_code=204,
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[OPERATOR],
)
def end_override(override_id: str, on_call: OnCallDep, principal: Caller) -> None:
    """Remove an override."""
    on_call.end_override(override_id, principal.name)


def _aware(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
