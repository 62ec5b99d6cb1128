"""Overview page: health, key metrics and open incidents."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from trimtab.console.banner import banner_of
from trimtab.console.metrics_panel import draw
from trimtab.console.render import page
from trimtab.console.services import READER, EnvDep, IncidentsDep, KnowledgeDep, MonitoringDep
from trimtab.infra.web.routes import GuardedRoute

router = APIRouter(route_class=GuardedRoute)


def _state(
    env: EnvDep, knowledge: KnowledgeDep, incidents: IncidentsDep, monitoring: MonitoringDep
) -> dict[str, object]:
    components = env.health.check()
    active = incidents.list(active=True, limit=100)
    alerts = monitoring.engine.alerts()
    return {
        "banner": banner_of(components, active, alerts),
        "components": components,
        "drawing": draw(monitoring.user_series, env.clock),
        "alerts": alerts,
        "active": active,
        "recent": incidents.list(active=False, limit=5),
        "projects": knowledge.projects.list(),
        "now": env.clock.now(),
    }


Overview = Annotated[dict[str, object], Depends(_state)]


@router.get("/console", dependencies=[READER])
def overview(request: Request, state: Overview) -> HTMLResponse:
    """Show the overview."""
    return page(request, "overview.html", state)


@router.get("/console/", include_in_schema=False, dependencies=[READER])
def overview_with_slash() -> RedirectResponse:
    """Redirect to the overview."""
    return RedirectResponse("/console")


@router.get("/console/overview/live", dependencies=[READER])
def live(request: Request, state: Overview) -> HTMLResponse:
    """Return the part that is reloaded periodically."""
    return page(request, "parts/overview.html", state)
