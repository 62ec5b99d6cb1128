"""Page of the gates: the last verdict on the project and its findings."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from trimtab.console.render import page
from trimtab.console.services import READER, GatesDep
from trimtab.infra.web.routes import GuardedRoute

router = APIRouter(prefix="/console/gates", route_class=GuardedRoute)


@router.get("", dependencies=[READER])
def gates(request: Request, gates: GatesDep) -> HTMLResponse:
    """Show the last verdict, gate by gate."""
    return page(
        request,
        "gates.html",
        {
            "verdict": gates.verdict,
            "project": gates.project,
            "age_seconds": gates.age_seconds,
            "is_sample": gates.uses_sample_project,
        },
    )
