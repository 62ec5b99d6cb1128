"""Page of who is on call, with overrides and escalation ladders."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from trimtab.console.outcome import redirect_with_message
from trimtab.console.render import page
from trimtab.console.services import OPERATOR, READER, Caller, EnvDep, IncidentsDep, OnCallDep
from trimtab.infra.web.routes import GuardedRoute

router = APIRouter(prefix="/console/oncall", route_class=GuardedRoute)

Name = Annotated[str, Form(min_length=1, max_length=200)]


@router.get("", dependencies=[READER])
def on_call(
    request: Request,
    env: EnvDep,
    on_call: OnCallDep,
    incidents: IncidentsDep,
    message: Annotated[str, Query(max_length=300)] = "",
) -> HTMLResponse:
    """Show who is on call, the overrides that are not over, and the ladders."""
    now = env.clock.now()
    ladders = incidents.context.ladders.values()
    roles = {rung.role for ladder in ladders for rung in ladder.rungs}
    values = {
        "now": now,
        "schedules": {each.name: each for each in on_call.schedules},
        "on_call": on_call.at(now),
        "overrides": on_call.overrides(),
        "ladders": ladders,
        "people": {role: on_call.person_for(role, now) for role in roles},
        "message": message,
    }
    return page(request, "oncall.html", values)


@router.post("/overrides", dependencies=[OPERATOR])
def override(
    on_call: OnCallDep,
    principal: Caller,
    schedule: Name,
    person: Name,
    starts_at: Annotated[datetime, Form()],
    ends_at: Annotated[datetime, Form()],
) -> Response:
    """Put another person on call for a time; times without a zone are UTC."""
    times = (_aware(starts_at), _aware(ends_at))

    def add() -> str:
        added = on_call.override(schedule, person.strip(), times, principal.name)
        return f"{added.person} is on call in {added.schedule} for that time."

    return redirect_with_message("/console/oncall", add)


@router.post("/overrides/{override_id}/end", dependencies=[OPERATOR])
def end_override(override_id: str, on_call: OnCallDep, principal: Caller) -> Response:
    """Remove an override."""

    def end() -> str:
        on_call.end_override(override_id, principal.name)
        return "The override is removed."

    return redirect_with_message("/console/oncall", end)


def _aware(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
