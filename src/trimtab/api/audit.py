"""The audit chain: read it, and prove that nobody changed it."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from trimtab.api.roles import ADMIN
from trimtab.api.services import Here
from trimtab.infra.web.routes import GuardedRoute

router = APIRouter(prefix="/v1/audit", tags=["audit"], route_class=GuardedRoute)


@router.get("", dependencies=[ADMIN])
def recent(
    here: Here, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> dict[str, list[dict[str, object]]]:
    """Return the newest events, newest first."""
    return {"events": [asdict(event) for event in here.audit.recent(limit)]}


@router.get("/verify", dependencies=[ADMIN])
def verify(here: Here) -> dict[str, object]:
    """Recompute the whole chain."""
    report = here.audit.verify()
    return {"ok": not report.problems, **asdict(report)}
