"""Pages of incidents: the list, the live page of one, and its decisions."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse
from sse_starlette import EventSourceResponse

from trimtab.console.render import page, render
from trimtab.console.services import (
    OPERATOR,
    READER,
    Caller,
    CatalogDep,
    EnvDep,
    Following,
    IncidentsDep,
    MonitoringDep,
    WebDep,
)
from trimtab.incidents import Entry, Incident, Incidents, State, cause_text, closing_text
from trimtab.incidents.intake.model import DECLARED
from trimtab.incidents.links import tool_links
from trimtab.infra.environment import Environment
from trimtab.infra.web import Viewer
from trimtab.infra.web.module import Web
from trimtab.infra.web.routes import GuardedRoute

router = APIRouter(prefix="/console/incidents", route_class=GuardedRoute)

STEPS = (
    State.DETECTED,
    State.TRIAGED,
    State.DIAGNOSED,
    State.AWAITING_APPROVAL,
    State.EXECUTING,
    State.VERIFYING,
    State.RESTORED,
    State.RESOLVED,
)
"""States of a normal course; undoing, escalated and not verified are shown next to them."""


def _list(
    env: EnvDep, incidents: IncidentsDep, monitoring: MonitoringDep, drills: bool = False
) -> dict[str, object]:
    return {
        "drills": drills,
        "active": incidents.list(active=True, drills=drills, limit=100),
        "ended": incidents.list(active=False, drills=drills, limit=50),
        "alerts": monitoring.engine.alerts(),
        "now": env.clock.now(),
    }


Listed = Annotated[dict[str, object], Depends(_list)]


@router.get("", dependencies=[READER])
def incidents(request: Request, listed: Listed) -> HTMLResponse:
    """Show the list of incidents, or of those of drills."""
    return page(request, "incidents.html", listed)


@router.get("/live", dependencies=[READER])
def live(request: Request, listed: Listed) -> HTMLResponse:
    """Return the part of the list that is reloaded periodically."""
    return page(request, "parts/incidents.html", listed)


@router.get("/{incident_id}", dependencies=[READER])
def incident(
    request: Request, incident_id: str, env: EnvDep, incidents: IncidentsDep
) -> HTMLResponse:
    """Show one incident."""
    values = _panel(env, incidents, incident_id)
    entries = incidents.timeline(incident_id)
    last = entries[-1].seq if entries else 0
    return page(request, "incident.html", {**values, "entries": entries, "last": last})


@router.get("/{incident_id}/panel", dependencies=[READER])
def panel(request: Request, incident_id: str, env: EnvDep, incidents: IncidentsDep) -> HTMLResponse:
    """Return the incident without its timeline."""
    return page(request, "parts/incident.html", _panel(env, incidents, incident_id))


@router.get("/{incident_id}/stream", dependencies=[READER])
def stream(
    incident_id: str,
    web: WebDep,
    incidents: IncidentsDep,
    viewer: Following,
    after: Annotated[int, Query(ge=0)] = 0,
) -> EventSourceResponse:
    """Stream the timeline: ``entry`` per line, ``change`` to reload the panel, ``end``."""
    incidents.get(incident_id)
    return EventSourceResponse(_events(web, incidents, incident_id, after, viewer))


@router.post("/{incident_id}/approve", dependencies=[OPERATOR])
def approve(
    request: Request,
    incident_id: str,
    env: EnvDep,
    catalog: CatalogDep,
    incidents: IncidentsDep,
    principal: Caller,
    plan_hash: Annotated[str, Form()],
) -> HTMLResponse:
    """Approve the plan; the caller needs the role of each of its actions."""
    principal.require(catalog.role_for(incidents.planned(incident_id, plan_hash)))
    incidents.approve(incident_id, plan_hash, principal.name)
    return panel(request, incident_id, env, incidents)


@router.post("/{incident_id}/reject", dependencies=[OPERATOR])
def reject(
    request: Request,
    incident_id: str,
    env: EnvDep,
    incidents: IncidentsDep,
    principal: Caller,
    plan_hash: Annotated[str, Form()],
    reason: Annotated[str, Form(max_length=1000)] = "",
) -> HTMLResponse:
    """Reject the plan."""
    incidents.reject(incident_id, plan_hash, principal.name, reason)
    return panel(request, incident_id, env, incidents)


@router.post("/{incident_id}/close", dependencies=[OPERATOR])
def close(
    request: Request,
    incident_id: str,
    env: EnvDep,
    incidents: IncidentsDep,
    principal: Caller,
    note: Annotated[str, Form(max_length=1000)] = "",
) -> HTMLResponse:
    """Close the incident."""
    incidents.close(incident_id, principal.name, note)
    return panel(request, incident_id, env, incidents)


@router.get("/{incident_id}/postmortem", dependencies=[READER])
def postmortem(request: Request, incident_id: str, incidents: IncidentsDep) -> HTMLResponse:
    """Show the post-mortem."""
    found = incidents.get(incident_id)
    text = incidents.postmortem(incident_id)
    return page(request, "postmortem.html", {"incident": found, "text": text})


def _panel(env: Environment, incidents: Incidents, incident_id: str) -> dict[str, Any]:
    found = incidents.get(incident_id)
    approval = incidents.approval(incident_id)
    waits = found.state is State.AWAITING_APPROVAL and approval and not approval.decision
    return {
        "incident": found,
        "steps": STEPS,
        "reached": _reached(found),
        "approval": approval,
        "waits": bool(waits),
        "clocks": incidents.clocks(incident_id),
        "links": tool_links(found, env.settings.tools, env.clock.now()),
        "notifications": incidents.notifications(incident_id),
        "cause": cause_text(found),
        "ending": closing_text(found),
        "may_close": found.state in (State.ESCALATED, State.NOT_VERIFIED),
        "firing": sum(call.firing for call in found.alerts),
        "declared": all(call.alert.source == DECLARED for call in found.alerts if call.firing),
        "acknowledged": found.episode.acknowledged_at(env.clock.now()),
        "now": env.clock.now(),
    }


def _reached(incident: Incident) -> int:
    """Return the number of finished steps of the incident."""
    if incident.state in STEPS:
        return STEPS.index(incident.state)
    marks = (
        incident.episode.triaged_at,
        incident.episode.diagnosed_at,
        incident.episode.remediation_at,
    )
    return sum(mark is not None for mark in marks)


async def _events(
    web: Web, incidents: Incidents, incident_id: str, after: int, viewer: Viewer
) -> AsyncIterator[dict[str, str]]:
    shown: tuple[State, int] | None = None

    def look(seconds: float) -> Sequence[Entry]:
        return incidents.follow(incident_id, after, seconds)

    async for entries in web.views.follow(look, viewer):
        for entry in entries:
            after = entry.seq
            html = render("parts/entry.html", {"entry": entry})
            yield {"event": "entry", "id": str(entry.seq), "data": html}
        found = incidents.get(incident_id)
        if (found.state, after) != shown:
            shown = (found.state, after)
            yield {"event": "change", "data": str(found.state)}
        if not found.active and not entries:
            yield {"event": "end", "data": "resolved"}
            return
