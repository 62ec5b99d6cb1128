"""Overview page: health, key metrics and open incidents."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from trimtab.console.metrics_panel import draw
from trimtab.console.render import page
from trimtab.console.services import READER, EnvDep, IncidentsDep, KnowledgeDep, MonitoringDep
from trimtab.incidents import Incidents
from trimtab.infra.environment import Environment
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.health import overall
from trimtab.knowledge import Knowledge
from trimtab.monitoring.service import Monitoring

router = APIRouter(route_class=GuardedRoute)


@router.get("/console", dependencies=[READER])
def overview(
    request: Request,
    env: EnvDep,
    knowledge: KnowledgeDep,
    incidents: IncidentsDep,
    monitoring: MonitoringDep,
) -> HTMLResponse:
    """Show the overview."""
    return page(request, "overview.html", _state(env, knowledge, incidents, monitoring))


@router.get("/console/", include_in_schema=False, dependencies=[READER])
def overview_with_slash() -> RedirectResponse:
    """Redirect to the overview."""
    return RedirectResponse("/console")


@router.get("/console/overview/live", dependencies=[READER])
def live(
    request: Request,
    env: EnvDep,
    knowledge: KnowledgeDep,
    incidents: IncidentsDep,
    monitoring: MonitoringDep,
) -> HTMLResponse:
    """Return the part that is reloaded periodically."""
    return page(request, "parts/overview.html", _state(env, knowledge, incidents, monitoring))


def _state(
    env: Environment, knowledge: Knowledge, incidents: Incidents, monitoring: Monitoring
) -> dict[str, object]:
    components = env.health.check()
    active = incidents.list(active=True, limit=20)
    return {
        "status": overall(components),
        "components": components,
        "drawing": draw(monitoring.user_series, env.clock),
        "alerts": monitoring.engine.alerts(),
        "active": active,
        "recent": incidents.list(active=False, limit=5),
        "projects": knowledge.projects.list(),
        "now": env.clock.now(),
    }
