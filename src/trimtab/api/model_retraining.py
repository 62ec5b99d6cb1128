"""Routes of retraining: start, list, approve or reject."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import (
    BaseModel,
    ConfigDict,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    with_config,
)
from starlette.concurrency import run_in_threadpool

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import OPERATOR, READER
from trimtab.api.services import Caller, EnvDep, RetrainingsDep
from trimtab.infra.web.json_body import InvalidRequest
from trimtab.kernel.errors import ErrorKind
from trimtab.models.retraining.records import Retraining
from trimtab.models.retraining.updater import ModelUpdate, ModelUpdater, ValidatedRow

router = APIRouter(prefix="/v1", tags=["models"], route_class=ApiRoute)


@dataclass(frozen=True, slots=True)
class RetrainingList:
    """Retrainings, the newest first."""

    retrainings: tuple[Retraining, ...]
    trainable: tuple[str, ...]
    """Models that can be retrained here."""


class RetrainingDecision(BaseModel):
    """The decision about a candidate, bound to what the person has seen."""

    approve: bool
    approval_hash: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    """Of the retraining as it was shown: data, candidate and metrics."""


@router.post("/models/{name}/retrainings", dependencies=[OPERATOR], status_code=202, responses={
    **refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
}, openapi_extra={
    "requestBody": {
        "required": True, "content": {"application/x-ndjson": {"schema": {"type": "string"}}}
    },
})  # fmt: skip
async def start_retraining(
    name: str,
    request: Request,
    retrainings: RetrainingsDep,
    caller: Caller,
    reason: Annotated[str, Query(max_length=500)] = "on demand",
) -> Retraining:
    """Train a candidate on the rows of the body; nothing serves before a person has approved it."""
    data = await request.body()
    return await run_in_threadpool(retrainings.start, name, data, reason, caller.name)


@router.post("/model-updates", dependencies=[OPERATOR], status_code=202, responses={
    **refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
}, openapi_extra={
    "requestBody": {
        "required": True, "content": {"application/x-ndjson": {"schema": {"type": "string"}}}
    },
})  # fmt: skip
async def update_models(
    request: Request, retrainings: RetrainingsDep, env: EnvDep, caller: Caller
) -> ModelUpdate:
    """Start retrainings from validated rows: JSON lines with `model`, `inputs` and `label`.

    At least 50 rows of a model start one; its candidate waits for approval.
    """
    rows = await run_in_threadpool(_validated_rows, await request.body())
    updater = ModelUpdater(retrainings, Path(env.settings.models.retraining_data))
    return await run_in_threadpool(updater.update_models, rows, caller.name)


@router.get("/model-retrainings", dependencies=[READER])
def list_retrainings(
    retrainings: RetrainingsDep,
    model: Annotated[str, Query(max_length=100)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> RetrainingList:
    """List retrainings with their candidates, metrics and decisions."""
    found = retrainings.store.recent(model, limit)
    return RetrainingList(tuple(found), tuple(retrainings.trainable()))


@router.post("/model-retrainings/{retraining_id}/decision", dependencies=[OPERATOR], responses={
    **refuses(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT),
})  # fmt: skip
def decide_retraining(
    retraining_id: str, decision: RetrainingDecision, retrainings: RetrainingsDep, caller: Caller
) -> Retraining:
    """Approve or reject a candidate, by the hash of its data and metrics."""
    retrainings.decide(retraining_id, decision.approval_hash, caller.name, approve=decision.approve)
    return retrainings.store.get(retraining_id)


_ROW = TypeAdapter(with_config(ConfigDict(extra="forbid"))(ValidatedRow))


def _validated_rows(body: bytes) -> list[ValidatedRow]:
    """Return the rows of JSON lines; raises `InvalidRequest` with the number of the line."""
    rows = []
    for number, line in enumerate(body.splitlines(), start=1):
        if line.strip():
            try:
                rows.append(_ROW.validate_json(line))
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
                where = ".".join(map(str, first["loc"]))
                raise InvalidRequest(f"Line {number}: {where or 'row'}: {first['msg']}.") from None
    if not rows:
        raise InvalidRequest("The body has no rows.", hint="Send one JSON object a line.")
    return rows
