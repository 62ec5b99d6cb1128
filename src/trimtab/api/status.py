"""The status page's content: what is disturbed now, and what was, in words for those who use the service."""

from datetime import timedelta

from fastapi import APIRouter

from trimtab.api.roles import READER
from trimtab.api.services import Here, Services
from trimtab.incidents import Incident, State, cause_text, closing_text
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.health import overall

router = APIRouter(prefix="/v1/status", tags=["health"], route_class=GuardedRoute)
_SHOWN = timedelta(days=7)
"""How long a resolved incident stays on the page."""
_MOST = 100
_STAGES = {
    State.DETECTED: "investigating",
    State.TRIAGED: "investigating",
    State.DIAGNOSED: "cause suspected",
    State.AWAITING_APPROVAL: "repair waits for approval",
    State.EXECUTING: "repair runs",
    State.VERIFYING: "being verified",
    State.UNDOING: "repair is taken back",
    State.ESCALATED: "handed over to people",
    State.NOT_VERIFIED: "not verified",
    State.RESTORED: "over",
    State.RESOLVED: "resolved",
}


@router.get("", dependencies=[READER])
def status(here: Here) -> dict[str, object]:
    """Tell whether the service is up, what disturbs it, and what was resolved in the last week and how.

    Drills are left out: nobody but the operators is meant by them.
    """
    since = here.clock.now() - _SHOWN
    open_now = here.incidents.list(active=True, limit=_MOST)
    over = [
        one
        for one in here.incidents.list(active=False, limit=_MOST)
        if one.resolved_at is not None and one.resolved_at > since
    ]
    return {
        "status": str(overall(here.health.check())),
        "incidents": [_told(here, one) for one in (*open_now, *over)],
    }


def _told(here: Services, incident: Incident) -> dict[str, object]:
    resolved = incident.resolved_at
    return {
        "id": incident.id,
        "title": incident.title,
        "affected": incident.component,
        "severity": str(incident.severity),
        "since": incident.opened_at.isoformat(),
        "state": "investigating" if resolved is None else "resolved",
        "stage": _STAGES[incident.state],
        "root_cause": cause_text(incident),
        "ending": closing_text(incident),
        "people_told": here.incidents.people_told(incident.id),
        "resolved_at": None if resolved is None else resolved.isoformat(),
        "summary": incident.resolution if resolved is not None else "",
    }
