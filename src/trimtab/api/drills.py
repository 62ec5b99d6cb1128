"""Routes that run fault drills, on the control socket only."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field

from trimtab.api.http.ndjson import ndjson
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import ADMIN
from trimtab.api.services import DrillsDep, RecordsDep, RunbooksDep

router = APIRouter(prefix="/v1/drills", tags=["drills"], route_class=ApiRoute)


class DrillRequest(BaseModel):
    """The cause to inject."""

    cause: str
    timeout_seconds: Annotated[float, Field(gt=0, le=86_400)] = 3600.0


@router.get("/proofs", dependencies=[ADMIN])
def proofs(runbooks: RunbooksDep, records: RecordsDep) -> PlainTextResponse:
    """Return the valid proofs of this build as a proofs file."""
    return PlainTextResponse(records.proofs.export(runbooks.library), media_type="application/json")


@router.post("", dependencies=[ADMIN])
def drill(request: DrillRequest, drills: DrillsDep) -> StreamingResponse:
    """Inject a cause and follow its repair.

    The answer has one JSON object per line: ``stage`` for each stage that is reached, at the end
    ``result`` or ``error``. The drill continues to its end, with all faults restored, also after
    the client disconnects.
    """
    return ndjson(drills.follow(request.cause, request.timeout_seconds))


@router.delete("", dependencies=[ADMIN])
def stop(drills: DrillsDep) -> dict[str, bool]:
    """Stop all drills; answers when every fault is restored."""
    drills.stop()
    return {"stopped": True}
