"""Drills: run one and follow it, on the control socket alone."""

import json
import logging
import queue
import threading
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter
from fastapi.encoders import jsonable_encoder
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field

from trimtab.api.errors import InternalError
from trimtab.api.roles import ADMIN
from trimtab.api.services import Here, Services
from trimtab.drills import DrillResult, Progress, run_drill
from trimtab.kernel.errors import TrimtabError

router = APIRouter(prefix="/v1/drills", tags=["drills"])

_log = logging.getLogger(__name__)


class DrillRequest(BaseModel):
    """Which cause to bring about."""

    cause: str
    timeout_seconds: Annotated[float, Field(gt=0, le=86_400)] = 3600.0


@router.get("/proofs", dependencies=[ADMIN])
def proofs(here: Here) -> PlainTextResponse:
    """Return every proof that holds on this build, as the file that ships with the library."""
    return PlainTextResponse(here.proofs.export(here.library), media_type="application/json")


@router.post("", dependencies=[ADMIN])
def drill(request: DrillRequest, here: Here) -> StreamingResponse:
    """Break the service as the cause says and watch the operator repair it.

    The answer is one JSON object a line: ``stage`` for each stage as it is reached, and at the end ``result`` or
    ``error``. The drill goes on, and everything is put back, even when nobody reads any more.
    """
    here.library.cause(request.cause)
    return StreamingResponse(_lines(here, request), media_type="application/x-ndjson")


def _lines(here: Services, request: DrillRequest) -> Iterator[str]:
    said: queue.Queue[Progress | DrillResult | TrimtabError] = queue.Queue()

    def work() -> None:
        try:
            said.put(run_drill(here.drilled, request.cause, said.put, request.timeout_seconds))
        except TrimtabError as error:
            said.put(error)
        except Exception:  # noqa: BLE001 - the thread has no caller; its reader is told.
            _log.exception("drill failed", extra={"cause": request.cause})
            said.put(InternalError("The drill failed inside trimtab."))

    threading.Thread(target=work, name="drill", daemon=True).start()
    while True:
        item = said.get()
        match item:
            case Progress():
                yield _line("stage", asdict(item))
            case DrillResult():
                yield _line("result", {**asdict(item), "passed": item.passed})
                return
            case TrimtabError():
                yield _line("error", {**item.as_dict(), "kind": str(item.kind)})
                return


def _line(name: str, body: dict[str, object]) -> str:
    return json.dumps({name: jsonable_encoder(body)}, ensure_ascii=False) + "\n"
