"""Routes to read the audit chain and to verify that it is unchanged."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.http.schemas import extended
from trimtab.api.roles import ADMIN
from trimtab.api.services import ChecklistsDep, EnvDep
from trimtab.infra.audit import AuditEvent
from trimtab.infra.audit_anchor import AnchoredHead
from trimtab.infra.audit_files import SealReport
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/v1/audit", tags=["audit"], route_class=ApiRoute)


@dataclass(frozen=True, slots=True)
class EventList:
    """Events of the audit chain, the newest first."""

    events: tuple[AuditEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditBody(SealReport):
    """Result of a verification of the audit chain."""

    ok: bool


@router.get("", dependencies=[ADMIN])
def recent(env: EnvDep, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> EventList:
    """Return the newest events, newest first."""
    return EventList(tuple(env.audit.recent(limit)))


@router.get("/verify", responses=refuses(ErrorKind.INVALID), dependencies=[ADMIN])
def verify(
    checklists: ChecklistsDep,
    anchor: Annotated[
        list[str], Query(max_length=100, description="Heads kept elsewhere, SEQ:HASH.")
    ] = [],  # noqa: B006 - read only.
) -> AuditBody:
    """Recompute the chain and check its files, its checkpoints and the given heads."""
    report = checklists.verify_audit([AnchoredHead.parse(text) for text in anchor])
    return extended(AuditBody, report, ok=not report.problems)
