"""Routes of health and metrics.

Both are public: load balancers and Prometheus have no key. They return only names, states and
numbers.
"""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus

import orjson
from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from starlette.responses import Response

from trimtab import __version__
from trimtab.api.errors import ErrorBody
from trimtab.api.http.routes import ApiRoute, answers
from trimtab.api.roles import ANYBODY, READER
from trimtab.api.services import EnvDep, ModelsDep
from trimtab.kernel.health import ComponentHealth, Status, overall
from trimtab.models.serving.health import ModelHealth

router = APIRouter(tags=["health"], route_class=ApiRoute)

_ALL_DOWN = "Every component is down"

_ALSO = {"chromadb": "vector_store"}
"""Names of components in the operations documents, independent of the engine."""


class Component(BaseModel, extra="allow"):
    """The state of one component, with facts of its own."""

    status: Status
    connected: bool
    latency_ms: float | None
    error: str = ""
    """Why it is not up; absent when it is."""


class Connected(BaseModel, extra="forbid"):
    """A component as the operations documents read it at the top of the body."""

    connected: bool


class HealthBody(BaseModel):
    """The state of everything; each component also stands at the top, under its name."""

    __pydantic_extra__: dict[str, Connected]
    model_config = {"extra": "allow"}

    status: Status
    version: str
    components: dict[str, Component]


_HEALTH = {**answers(200, HealthBody), **answers(503, HealthBody | ModelHealth, _ALL_DOWN)}


@router.get("/health", responses=_HEALTH, dependencies=[ANYBODY])
def health(env: EnvDep, models: ModelsDep) -> Response:
    """Return the state of each component, or of the one model that this process serves.

    The status is 503 only when every component is down: a degraded service still answers, and
    must not be restarted for it. With `models.only` it is 503 when the model fails.
    """
    only = env.settings.models.only
    if not only:
        return _answer(env.health.check())
    # Without the output: a known row may be one of the training data, and anybody may ask.
    found = replace(models.health(only), prediction=None)
    status = HTTPStatus.OK if found.healthy else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(orjson.dumps(found), status, media_type="application/json")


@router.post("/health", responses=_HEALTH, dependencies=[ANYBODY])
def post_health(env: EnvDep, models: ModelsDep) -> Response:
    """Do as ``GET`` does; the procedures ask models by ``POST``."""
    return health(env, models)


@router.get(
    "/v1/system/health",
    responses={**answers(200, HealthBody), **answers(503, HealthBody | ErrorBody, _ALL_DOWN)},
    dependencies=[READER],
)
def system_health(env: EnvDep) -> JSONResponse:
    """Return the same for callers with a key."""
    return _answer(env.health.check())


@router.get(
    "/v1/system/health/components",
    responses=answers(200, dict[str, Component]),
    dependencies=[READER],
)
def component_health(env: EnvDep) -> dict[str, dict[str, object]]:
    """Return the state of each component, without the summary."""
    return {name: as_component(found) for name, found in env.health.check().items()}


@router.get("/metrics", response_class=PlainTextResponse, dependencies=[ANYBODY])
def metrics(env: EnvDep) -> Response:
    """Return every metric in Prometheus' text format."""
    return Response(generate_latest(env.registry), media_type=CONTENT_TYPE_LATEST)


def as_component(found: ComponentHealth) -> dict[str, object]:
    """Return a component's wire form: both ``status`` and ``connected``, then its own facts."""
    body: dict[str, object] = {
        "status": str(found.status),
        "connected": found.status is not Status.DOWN,
        "latency_ms": found.latency_ms,
    }
    if found.detail:
        body["error"] = found.detail
    return {**body, **found.facts}


def _answer(components: Mapping[str, ComponentHealth]) -> JSONResponse:
    state = overall(components)
    wire = {name: as_component(found) for name, found in components.items()}
    wire |= {also: wire[name] for also, name in _ALSO.items() if name in wire and also not in wire}
    aliases = {name: {"connected": body["connected"]} for name, body in wire.items()}
    body = {**aliases, "status": str(state), "version": __version__, "components": wire}
    down = state is Status.DOWN
    return JSONResponse(body, HTTPStatus.SERVICE_UNAVAILABLE if down else HTTPStatus.OK)
