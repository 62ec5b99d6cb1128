"""The first page: is all well, and if not, what is being done."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from trimtab.console.metrics_panel import draw
from trimtab.console.render import page
from trimtab.console.services import READER, Here, Services
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.health import overall

router = APIRouter(route_class=GuardedRoute)


@router.get("/console", dependencies=[READER])
def overview(request: Request, services: Here) -> HTMLResponse:
    """Show the overview."""
    return page(request, "overview.html", _state(services))


@router.get("/console/", include_in_schema=False, dependencies=[READER])
def overview_with_slash() -> RedirectResponse:
    """Lead to the overview."""
    return RedirectResponse("/console")


@router.get("/console/overview/live", dependencies=[READER])
def live(request: Request, services: Here) -> HTMLResponse:
    """Return the part that refreshes itself."""
    return page(request, "parts/overview.html", _state(services))


def _state(services: Services) -> dict[str, object]:
    components = services.health.check()
    active = services.incidents.list(active=True, limit=20)
    return {
        "status": overall(components),
        "components": components,
        "drawing": draw(services.series, services.clock),
        "alerts": services.rules.alerts(),
        "active": active,
        "recent": services.incidents.list(active=False, limit=5),
        "projects": services.knowledge.list_projects(),
        "now": services.clock.now(),
    }
