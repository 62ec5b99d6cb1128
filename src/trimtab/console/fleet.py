"""Page of the processes that share one database."""

import json

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from trimtab.console.render import page
from trimtab.console.services import OPERATOR, EnvDep
from trimtab.infra.web.routes import GuardedRoute

router = APIRouter(prefix="/console/processes", route_class=GuardedRoute)
_SHOWN = 300


@router.get("", dependencies=[OPERATOR])
def processes(request: Request, env: EnvDep) -> HTMLResponse:
    """Show what `GET /api/v1/fleet` returns."""
    fleet = env.fleet
    switches = {name: _short(value) for name, value in fleet.switches().items()}
    values = {
        "me": fleet.me.id,
        "shared": fleet.shared,
        "latest": fleet.latest(),
        "processes": fleet.processes(),
        "switches": switches,
    }
    return page(request, "processes.html", values)


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"
