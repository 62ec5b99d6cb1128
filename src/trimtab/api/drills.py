"""Drills: run one and follow it, on the control socket alone."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import Field

from trimtab.api.http.ndjson import ndjson
from trimtab.api.http.routes import ApiRoute
from trimtab.api.request_body import Body
from trimtab.api.roles import ADMIN
from trimtab.api.services import Here

router = APIRouter(prefix="/v1/drills", tags=["drills"], route_class=ApiRoute)


class DrillRequest(Body):
    """Which cause to bring about."""

    cause: str
    timeout_seconds: Annotated[float, Field(gt=0, le=86_400)] = 3600.0


@router.get("/proofs", dependencies=[ADMIN])
def proofs(services: Here) -> PlainTextResponse:
    """Return every proof that holds on this build, as the file that ships with the library."""
    return PlainTextResponse(
        services.proofs.export(services.library), media_type="application/json"
    )


@router.post("", dependencies=[ADMIN])
def drill(request: DrillRequest, services: Here) -> StreamingResponse:
    """Break the service as the cause says and watch the operator repair it.

    The answer is one JSON object a line: ``stage`` for each stage as it is reached, and at the end ``result`` or
    ``error``. The drill goes on, and everything is put back, even when nobody reads any more.
    """
    return ndjson(services.drills.follow(request.cause, request.timeout_seconds))


@router.delete("", dependencies=[ADMIN])
def stop(services: Here) -> dict[str, bool]:
    """End the drills that run; answers when every fault is put back."""
    services.drills.stop()
    return {"stopped": True}
