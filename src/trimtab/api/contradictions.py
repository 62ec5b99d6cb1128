"""New statements that conflict with older documents."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import TENANT_READER
from trimtab.api.services import Caller, ContradictionsDep
from trimtab.evaluation.contradictions import Contradiction
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/api/v1", tags=["knowledge"], route_class=ApiRoute)


@dataclass(frozen=True, slots=True)
class ContradictionList:
    """Contradictions of a project."""

    project: str
    days: float
    contradictions: tuple[Contradiction, ...]
    """Those of the newest documents first."""


@router.get(
    "/projects/{project}/contradictions",
    responses=refuses(ErrorKind.NOT_FOUND),
    dependencies=[TENANT_READER],
)
def list_contradictions(
    project: str,
    finder: ContradictionsDep,
    principal: Caller,
    days: Annotated[float, Query(gt=0, le=3650)] = 7,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> ContradictionList:
    """List new statements whose figures or negation conflict with older documents."""
    found = finder.find(project, days, limit, principal.labels)
    return ContradictionList(project, days, tuple(found))
