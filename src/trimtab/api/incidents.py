"""Routes of incidents: list, follow, decide, read the post-mortem."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, StringConstraints, TypeAdapter
from sse_starlette import EventSourceResponse

from trimtab.api.http.openapi import refuses, sends
from trimtab.api.http.routes import ApiRoute, answers
from trimtab.api.http.schemas import extended
from trimtab.api.http.sse import json_event
from trimtab.api.roles import OPERATOR, READER
from trimtab.api.services import Caller, CatalogDep, Following, IncidentsDep, WebDep
from trimtab.incidents import (
    Entry,
    Incident,
    Incidents,
    Notification,
    State,
    cause_text,
    closing_text,
)
from trimtab.incidents.clocks import ResponseClock
from trimtab.incidents.model import (
    Acknowledgement,
    AttachedAlert,
    Attempt,
    Episode,
    FollowUp,
    IncidentSeverity,
    PlanApproval,
    Similar,
)
from trimtab.incidents.report import IncidentReport
from trimtab.incidents.similar import search_incidents
from trimtab.infra.web import Viewer
from trimtab.infra.web.module import Web
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/v1/incidents", tags=["incidents"], route_class=ApiRoute)


_SEARCHED = 5000
"""Resolved incidents that a search looks at, the newest ones."""

CauseStatus = Literal["verified", "suspected", "unknown"]
NotificationStatus = Literal["accepted", "failed", "waiting", "no_channel"]


@dataclass(frozen=True, slots=True)
class IncidentSummary:
    """An incident in a list."""

    id: str
    """``INC-YYYY-MMDD``, with ``-2``, ``-3`` ... for more on the same day."""
    state: State
    state_since: datetime
    title: str
    component: str
    severity: IncidentSeverity
    opened_at: datetime
    resolved_at: datetime | None
    root_cause: str
    """The title of the most likely cause."""
    cause_status: CauseStatus
    """``verified`` when the cause's fix changed something and its checks held afterwards."""
    ending: str
    """How it ended; empty while it is open."""
    opening: int
    active: bool
    assigned_to: str
    acknowledged: Acknowledgement | None
    """The newest acknowledgement; it may be over."""
    taken_over_by: str

    @classmethod
    def of(cls, incident: Incident) -> "IncidentSummary":
        """Return the summary of an incident."""
        return cls(
            id=incident.id,
            state=incident.state,
            state_since=incident.state_since,
            title=incident.title,
            component=incident.component,
            severity=incident.severity,
            opened_at=incident.episode.opened_at,
            resolved_at=incident.episode.resolved_at,
            root_cause=incident.episode.root_cause,
            cause_status=cast("CauseStatus", incident.cause_status),
            ending=closing_text(incident),
            opening=incident.episode.number,
            active=incident.active,
            assigned_to=incident.episode.assigned_to,
            acknowledged=incident.episode.acknowledged,
            taken_over_by=incident.episode.taken_over_by,
        )


@dataclass(frozen=True, slots=True)
class IncidentList:
    """Incidents, the newest first."""

    incidents: tuple[IncidentSummary, ...]


@dataclass(frozen=True, slots=True)
class SimilarList:
    """Resolved incidents, the most similar first."""

    incidents: tuple[Similar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationBody(Notification):
    """A notification with its delivery status."""

    status: NotificationStatus
    text: str
    """The same as a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentBody(Episode):
    """An incident and its current episode, without the journal."""

    id: str
    """``INC-YYYY-MMDD``, with ``-2``, ``-3`` ... for more on the same day."""
    state: State
    state_since: datetime
    title: str
    component: str
    group_key: str
    alerts: tuple[AttachedAlert, ...]
    severity: IncidentSeverity
    native_severity: str
    system: str
    ladder: str
    runbooks: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    """Of all episodes, the oldest first."""
    drill: bool
    follow_ups: tuple[FollowUp, ...]
    active: bool
    approval: PlanApproval | None
    """The newest approval request; null without one."""
    cause_status: CauseStatus
    cause_text: str
    """The root cause as a sentence."""
    ending: str
    """How it ended; empty while it is open."""
    notifications: tuple[NotificationBody, ...]
    """Notifications of this episode with their delivery status."""
    clocks: tuple[ResponseClock, ...]

    @classmethod
    def of(cls, incident: Incident, incidents: Incidents) -> "IncidentBody":
        """Return an incident with its approval, notifications and clocks."""
        calls = incidents.notifications(incident.id)
        return extended(
            cls,
            incident.episode,
            id=incident.id,
            state=incident.state,
            state_since=incident.state_since,
            title=incident.title,
            component=incident.component,
            group_key=incident.group_key,
            alerts=incident.alerts,
            severity=incident.severity,
            native_severity=incident.native_severity,
            system=incident.system,
            ladder=incident.ladder,
            runbooks=incident.runbooks,
            attempts=incident.attempts,
            drill=incident.drill,
            follow_ups=incident.follow_ups,
            active=incident.active,
            approval=incidents.approval(incident.id),
            cause_status=incident.cause_status,
            cause_text=cause_text(incident),
            ending=closing_text(incident),
            notifications=tuple(
                extended(NotificationBody, call, status=call.status, text=call.text)
                for call in calls
            ),
            clocks=incidents.clocks(incident.id),
        )


@dataclass(frozen=True, slots=True)
class Timeline:
    """Entries of an incident's journal, in order."""

    entries: tuple[Entry, ...]


class _Markdown(PlainTextResponse):
    media_type = "text/markdown"


class Approve(BaseModel):
    """Approval of one plan."""

    plan_hash: Annotated[str, StringConstraints(max_length=200)]
    """Hash of the plan; another plan is refused."""


class Close(BaseModel):
    """Note of the person who closes the incident."""

    note: Annotated[str, StringConstraints(max_length=1000)] = ""
    """A note for the journal."""


class Reject(Approve):
    """Rejection of one plan."""

    reason: Annotated[str, StringConstraints(max_length=1000)] = ""


@router.get("", dependencies=[READER])
def incidents(
    incidents: IncidentsDep,
    active: bool | None = None,
    drills: bool = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> IncidentList:
    """List incidents, newest first; with ``drills`` only those of drills."""
    found = incidents.list(active=active, drills=drills, limit=limit)
    return IncidentList(tuple(IncidentSummary.of(incident) for incident in found))


@router.get("/report", dependencies=[READER])
def report(
    incidents: IncidentsDep, days: Annotated[float, Query(gt=0, le=3660)] = 30.0
) -> IncidentReport:
    """Return response times by severity and system, and the clocks kept and missed."""
    return incidents.report(days)


@router.get("/search", dependencies=[READER])
def search(
    incidents: IncidentsDep,
    q: Annotated[str, Query(min_length=1, max_length=1000)],
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> SimilarList:
    """Find resolved incidents whose title, alerts or labels have the words, best first."""
    past = incidents.list(active=False, limit=_SEARCHED)
    return SimilarList(search_incidents(q, past, limit))


@router.get(
    "/{incident_id}",
    responses={**answers(200, IncidentBody), **refuses(ErrorKind.NOT_FOUND)},
    dependencies=[READER],
)
def incident(incident_id: str, incidents: IncidentsDep) -> Response:
    """Return an incident with diagnosis, plan, approval, clocks and notifications."""
    body = IncidentBody.of(incidents.get(incident_id), incidents)
    # Only pydantic knows the aliases by which episodes and calls keep their keys.
    return Response(_serializer().dump_json(body, by_alias=True), media_type="application/json")


@cache
def _serializer() -> TypeAdapter[IncidentBody]:
    return TypeAdapter(IncidentBody)


@router.get(
    "/{incident_id}/timeline", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[READER]
)
def timeline(
    incident_id: str, incidents: IncidentsDep, after: Annotated[int, Query(ge=0, le=2**62)] = 0
) -> Timeline:
    """Return the journal entries after an entry, in order."""
    incidents.get(incident_id)
    return Timeline(tuple(incidents.timeline(incident_id, after)))


@router.get(
    "/{incident_id}/stream",
    response_class=EventSourceResponse,
    responses={**refuses(ErrorKind.NOT_FOUND), **sends("text/event-stream")},
    dependencies=[READER],
)
def stream(
    incident_id: str,
    web: WebDep,
    incidents: IncidentsDep,
    viewer: Following,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
) -> EventSourceResponse:
    """Follow the journal as server-sent events: ``entry`` for each entry, ``state`` at each change.

    The stream ends when the incident is resolved.
    """
    incidents.get(incident_id)
    return EventSourceResponse(_events(web, incidents, incident_id, after, viewer))


@router.post(
    "/{incident_id}/approve",
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.STORAGE_FULL),
    dependencies=[OPERATOR],
)
def approve(
    incident_id: str,
    request: Approve,
    catalog: CatalogDep,
    incidents: IncidentsDep,
    principal: Caller,
) -> PlanApproval:
    """Approve the plan; the caller needs the role of each of its actions."""
    acts = incidents.planned(incident_id, request.plan_hash)
    principal.require(catalog.role_for(acts))
    return incidents.approve(incident_id, request.plan_hash, principal.name)


@router.post(
    "/{incident_id}/reject",
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.STORAGE_FULL),
    dependencies=[OPERATOR],
)
def reject(
    incident_id: str, request: Reject, incidents: IncidentsDep, principal: Caller
) -> PlanApproval:
    """Reject the plan and hand the incident over to people."""
    return incidents.reject(incident_id, request.plan_hash, principal.name, request.reason)


@router.post(
    "/{incident_id}/close",
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.STORAGE_FULL),
    dependencies=[OPERATOR],
)
def close(
    incident_id: str, request: Close, incidents: IncidentsDep, principal: Caller
) -> IncidentSummary:
    """Close an incident that is escalated or not verified, when no alert of it fires."""
    closed = incidents.close(incident_id, principal.name, request.note)
    return IncidentSummary.of(closed)


@router.get(
    "/{incident_id}/postmortem",
    response_class=_Markdown,
    responses={**refuses(ErrorKind.NOT_FOUND), **sends("text/markdown")},
    dependencies=[READER],
)
def postmortem(
    incident_id: str,
    incidents: IncidentsDep,
    form: Annotated[Literal["postmortem", "report"], Query(alias="format")] = "postmortem",
) -> _Markdown:
    """Return the post-mortem as Markdown; before the end, what it would say now."""
    text = incidents.postmortem(incident_id, report=form == "report")
    return _Markdown(text)


async def _events(
    web: Web, incidents: Incidents, incident_id: str, after: int, viewer: Viewer
) -> AsyncIterator[dict[str, str]]:
    state: State | None = None

    def look(seconds: float) -> Sequence[Entry]:
        return incidents.follow(incident_id, after, seconds)

    async for entries in web.views.follow(look, viewer):
        for entry in entries:
            after = entry.seq
            yield json_event("entry", entry, event_id=str(entry.seq))
        now = incidents.get(incident_id).state
        if now is not state:
            state = now
            yield json_event("state", {"state": now})
        if now is State.RESOLVED and not entries:
            return
