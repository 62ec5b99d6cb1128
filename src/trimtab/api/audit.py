"""The audit chain: read it, and prove that nobody changed it."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from trimtab.api.http.openapi import refuses
from trimtab.api.roles import ADMIN
from trimtab.api.services import Here
from trimtab.infra.audit_anchor import AnchoredHead
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/v1/audit", tags=["audit"], route_class=GuardedRoute)


@router.get("", dependencies=[ADMIN])
def recent(
    here: Here, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> dict[str, list[dict[str, object]]]:
    """Return the newest events, newest first."""
    return {"events": [asdict(event) for event in here.audit.recent(limit)]}


@router.get("/verify", responses=refuses(ErrorKind.INVALID), dependencies=[ADMIN])
def verify(
    here: Here,
    anchor: Annotated[
        list[str], Query(max_length=100, description="Heads kept elsewhere, SEQ:HASH.")
    ] = [],  # noqa: B006 - read only.
) -> dict[str, object]:
    """Recompute the whole chain and demand its files, checkpoints and the given heads."""
    report = here.tasks.verify_audit([AnchoredHead.parse(text) for text in anchor])
    return {"ok": not report.problems, **asdict(report)}
