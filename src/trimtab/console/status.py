"""The status page for people: what is disturbed, what is announced, and what is over."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from trimtab.console.render import page
from trimtab.console.services import READER, EnvDep, IncidentsDep, SilencesDep
from trimtab.incidents.status_page import status_of
from trimtab.infra.web.routes import GuardedRoute

router = APIRouter(prefix="/console/status", route_class=GuardedRoute)


@router.get("", dependencies=[READER])
def status(
    request: Request, env: EnvDep, incidents: IncidentsDep, silences: SilencesDep
) -> HTMLResponse:
    """Show what `GET /v1/status` returns."""
    return page(request, "status.html", {"found": status_of(env, incidents, silences)})
