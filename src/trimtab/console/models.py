"""Pages of trained models: the list, and one model with its versions, log and canary."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from trimtab.console.render import page
from trimtab.console.services import ADMIN, READER, Caller, ModelsDep
from trimtab.infra.web.routes import GuardedRoute

router = APIRouter(prefix="/console/models", route_class=GuardedRoute)

_SEE_OTHER = 303
_MAX_MOVES = 30


@router.get("", dependencies=[READER])
def list_models(request: Request, models: ModelsDep) -> HTMLResponse:
    """Show every model with what serves."""
    registry = models.registry
    rows = [
        {
            "name": name,
            "versions": len(registry.versions(name)),
            "aliases": registry.aliases(name),
            "state": models.state(name),
        }
        for name in registry.names()
    ]
    return page(request, "trained_models.html", {"models": rows})


@router.get("/{name}", dependencies=[READER])
def show_model(
    request: Request, name: str, models: ModelsDep, principal: Caller, version: str = ""
) -> HTMLResponse:
    """Show one model: versions, the manifest of one, the log of aliases, and its canary."""
    registry = models.registry
    versions, aliases = registry.versions(name), registry.aliases(name)
    chosen = registry.resolve(name, version or str(aliases.get("production", versions[-1].version)))
    return page(
        request,
        "trained_model.html",
        {
            "name": name,
            "versions": versions[::-1],
            "aliases": aliases,
            "state": models.state(name),
            "chosen": chosen,
            "moves": registry.alias_log(name, _MAX_MOVES),
            "canary": models.canaries.newest(name),
            "may_move": principal.role == "admin",
        },
    )


@router.post("/{name}/promote", dependencies=[ADMIN])
def promote(
    name: str, models: ModelsDep, principal: Caller, version: Annotated[int, Form(ge=1)]
) -> Response:
    """Let a version serve."""
    models.registry.promote(name, version, principal.name, "in the console")
    return RedirectResponse(f"/console/models/{name}", _SEE_OTHER)


@router.post("/{name}/rollback", dependencies=[ADMIN])
def rollback(name: str, models: ModelsDep, principal: Caller) -> Response:
    """Let the previous version serve again."""
    models.registry.rollback(name, principal.name, "in the console")
    return RedirectResponse(f"/console/models/{name}", _SEE_OTHER)
