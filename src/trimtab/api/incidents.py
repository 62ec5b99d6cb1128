"""Incidents: look, follow, decide, read the post-mortem."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.encoders import jsonable_encoder
from fastapi.responses import PlainTextResponse
from pydantic import StringConstraints
from sse_starlette import EventSourceResponse

from trimtab.api.body import Body
from trimtab.api.http.openapi import refuses, sends
from trimtab.api.roles import OPERATOR, READER
from trimtab.api.services import Caller, Following, Here, Services
from trimtab.incidents import Entry, Incident, Notification, State, cause_text, closing_text
from trimtab.infra.web import Viewer
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/v1/incidents", tags=["incidents"], route_class=GuardedRoute)


class _Markdown(PlainTextResponse):
    media_type = "text/markdown"


class Approve(Body):
    """A yes to one plan."""

    plan_hash: str
    """The plan that was read; another one is refused."""


class Close(Body):
    """A person's word that it is over."""

    note: Annotated[str, StringConstraints(max_length=1000)] = ""
    """What the person knows; goes to the journal."""


class Reject(Approve):
    """A no to one plan."""

    reason: Annotated[str, StringConstraints(max_length=1000)] = ""


@router.get("", dependencies=[READER])
def incidents(
    here: Here,
    active: bool | None = None,
    drills: bool = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, list[dict[str, object]]]:
    """List incidents, the newest first; with ``drills`` those of drills, which are in no other list."""
    found = here.incidents.list(active=active, drills=drills, limit=limit)
    return {"incidents": [_summary(incident) for incident in found]}


@router.get("/{incident_id}", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[READER])
def incident(incident_id: str, here: Here) -> dict[str, Any]:
    """Return everything about an incident: diagnosis, plan, the open question, clocks, who was told."""
    found = here.incidents.get(incident_id)
    approval = here.incidents.approval(incident_id)
    return {
        **asdict(found),
        "active": found.active,
        "approval": None if approval is None else asdict(approval),
        "cause_status": found.cause_status,
        "cause_text": cause_text(found),
        "ending": closing_text(found),
        "notifications": [_told(one) for one in here.incidents.notifications(incident_id)],
        "clocks": [asdict(clock) for clock in here.incidents.clocks(incident_id)],
    }


@router.get(
    "/{incident_id}/timeline", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[READER]
)
def timeline(
    incident_id: str, here: Here, after: Annotated[int, Query(ge=0, le=2**62)] = 0
) -> dict[str, list[dict[str, Any]]]:
    """Return the journal behind an entry, in order."""
    here.incidents.get(incident_id)
    return {"entries": [asdict(entry) for entry in here.incidents.timeline(incident_id, after)]}


@router.get(
    "/{incident_id}/stream",
    response_class=EventSourceResponse,
    responses={**refuses(ErrorKind.NOT_FOUND), **sends("text/event-stream")},
    dependencies=[READER],
)
def stream(
    incident_id: str,
    here: Here,
    viewer: Following,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
) -> EventSourceResponse:
    """Follow the journal as server-sent events: ``entry`` for each entry, ``state`` at each change.

    The stream ends when the incident is resolved.
    """
    here.incidents.get(incident_id)
    return EventSourceResponse(_events(here, incident_id, after, viewer))


@router.post(
    "/{incident_id}/approve",
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.STORAGE_FULL),
    dependencies=[OPERATOR],
)
def approve(incident_id: str, request: Approve, here: Here, who: Caller) -> dict[str, Any]:
    """Let the plan run; whoever lets it run needs the role that each of its actions needs."""
    acts = here.incidents.planned(incident_id, request.plan_hash)
    who.require(here.catalog.role_for(acts))
    return asdict(here.incidents.approve(incident_id, request.plan_hash, who.name))


@router.post(
    "/{incident_id}/reject",
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.STORAGE_FULL),
    dependencies=[OPERATOR],
)
def reject(incident_id: str, request: Reject, here: Here, who: Caller) -> dict[str, Any]:
    """Reject the plan and hand the incident over to people."""
    decided = here.incidents.reject(incident_id, request.plan_hash, who.name, request.reason)
    return asdict(decided)


@router.post(
    "/{incident_id}/close",
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.STORAGE_FULL),
    dependencies=[OPERATOR],
)
def close(incident_id: str, request: Close, here: Here, who: Caller) -> dict[str, object]:
    """Close an incident that is escalated or not verified, when no alert of it fires."""
    return _summary(here.incidents.close(incident_id, who.name, request.note))


@router.get(
    "/{incident_id}/postmortem",
    response_class=_Markdown,
    responses={**refuses(ErrorKind.NOT_FOUND), **sends("text/markdown")},
    dependencies=[READER],
)
def postmortem(
    incident_id: str,
    here: Here,
    form: Annotated[Literal["postmortem", "report"], Query(alias="format")] = "postmortem",
) -> _Markdown:
    """Return the post-mortem as Markdown; before the end, what it would say now."""
    text = here.incidents.postmortem(incident_id, report=form == "report")
    return _Markdown(text)


async def _events(
    here: Services, incident_id: str, after: int, viewer: Viewer
) -> AsyncIterator[dict[str, str]]:
    state: State | None = None

    def look(seconds: float) -> Sequence[Entry]:
        return here.incidents.follow(incident_id, after, seconds)

    async for entries in here.views.follow(look, viewer):
        for entry in entries:
            after = entry.seq
            body = json.dumps(jsonable_encoder(entry), ensure_ascii=False)
            yield {"event": "entry", "id": str(entry.seq), "data": body}
        now = here.incidents.get(incident_id).state
        if now is not state:
            state = now
            yield {"event": "state", "data": json.dumps({"state": str(now)})}
        if now is State.RESOLVED and not entries:
            return


def _summary(found: Incident) -> dict[str, object]:
    names = ("id", "state", "state_since", "title", "component", "severity", "opened_at")
    wanted = (*names, "resolved_at", "root_cause", "cause_status", "opening", "active")
    return {**{name: getattr(found, name) for name in wanted}, "ending": closing_text(found)}


def _told(found: Notification) -> dict[str, object]:
    return {**asdict(found), "status": found.status, "text": found.text}
