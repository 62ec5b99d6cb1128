"""Routes of canaries: a candidate next to production."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import ADMIN, READER
from trimtab.api.services import Caller, ModelsDep
from trimtab.kernel.errors import ErrorKind
from trimtab.models.canary import CanaryMode, ModelCanary
from trimtab.models.canary.records import ModelCanaryReport
from trimtab.models.canary.service import CanaryPlan

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=ApiRoute)


class CanaryBegin(BaseModel):
    """A candidate to try, and the bounds of the test."""

    version: Annotated[int, Field(ge=1)]
    mode: Literal["canary", "shadow"] = "canary"
    share: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of the requests that the candidate gets."""
    margin: Annotated[float, Field(gt=0, le=1)] = 0.02
    """A rate that is higher by less is not worse."""
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """Chance of a wrong promotion, and of a wrong rollback."""
    slow_ms: Annotated[float, Field(ge=0)] = 0.0
    """A slower request is bad; 0 takes twice the 95th percentile of production."""
    max_seconds: Annotated[float, Field(ge=0, le=31_536_000)] = 86_400.0
    promote: bool = True
    """Whether a candidate that passes is promoted; else a person decides."""


@router.get("/{name}/canary", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[READER])
def show_canary(name: str, models: ModelsDep) -> ModelCanaryReport:
    """Return the newest canary of a model with its evidence."""
    return models.canaries.report(name)


@router.post(
    "/{name}/canary",
    status_code=201,
    responses=refuses(
        ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.CORRUPT, ErrorKind.STORAGE_FULL
    ),
    dependencies=[ADMIN],
)
def begin_canary(
    name: str, request: CanaryBegin, models: ModelsDep, principal: Caller
) -> ModelCanary:
    """Try a version next to production; it is promoted or rolled back at the first valid moment."""
    given = request.model_dump()
    plan = CanaryPlan(**{**given, "mode": CanaryMode(given["mode"])})
    models.serving.ready(name)
    return models.canaries.begin(name, plan, principal.name)


@router.delete("/{name}/canary", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[ADMIN])
def stop_canary(name: str, models: ModelsDep, principal: Caller) -> ModelCanary:
    """End the canary of a model; production stays."""
    return models.canaries.stop(name, principal.name)
