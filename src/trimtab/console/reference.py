"""API reference page; the usual ones load scripts from other hosts."""

from collections import defaultdict
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from trimtab.console.render import page
from trimtab.console.services import READER
from trimtab.infra.web.routes import GuardedRoute

router = APIRouter(prefix="/console/api", route_class=GuardedRoute)


@router.get("", dependencies=[READER])
def reference(request: Request) -> HTMLResponse:
    """Show every route with its parameters."""
    described: dict[str, Any] = request.app.state.describe_api()
    groups: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            tag = route.get("tags", ["other"])[0]
            groups[tag].append({"method": method.upper(), "path": path, **route})
    return page(request, "reference.html", {"groups": groups})
