"""Routes of the weekly flywheel and of the golden dataset."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import OPERATOR, REVIEWER
from trimtab.api.services import Caller, EnvDep, FlywheelDep
from trimtab.evaluation.flywheel import FlywheelReport, GoldenDataset, parse_week
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/v1/flywheel", tags=["evaluation"], route_class=ApiRoute)
_REFUSED = refuses(ErrorKind.INVALID, ErrorKind.CONFLICT, ErrorKind.STORAGE_FULL)


class TriageRequest(BaseModel):
    """Number of failures to annotate."""

    tasks: Annotated[int, Field(ge=0, le=1000)] = 20


@router.get("/golden", dependencies=[REVIEWER])
def golden(flywheel: FlywheelDep, principal: Caller) -> GoldenDataset:
    """Return the golden dataset with version, content hash and provenance."""
    mine = set(principal.labels)
    return flywheel.golden(lambda case: set(case.labels) <= mine)


@router.get("/{week}", responses=_REFUSED, dependencies=[REVIEWER])
def report(week: str, env: EnvDep, flywheel: FlywheelDep) -> FlywheelReport:
    """Return the report of a week that was triaged."""
    return flywheel.report(parse_week(week, env.clock.now())[0])


@router.post("/{week}/triage", responses=_REFUSED, dependencies=[OPERATOR])
def triage(
    week: str, request: TriageRequest, env: EnvDep, flywheel: FlywheelDep, principal: Caller
) -> FlywheelReport:
    """Cluster the failures of a week and queue the most typical ones for annotation."""
    parsed, note = parse_week(week, env.clock.now())
    done = flywheel.triage(parsed, request.tasks, note)
    facts = {"failures": done.failures, "tasks": done.tasks}
    env.audit.append(principal.name, "evaluation.week_triaged", parsed.name, facts)
    return done


@router.post("/{week}/continue", responses=_REFUSED, dependencies=[OPERATOR])
def finish(week: str, env: EnvDep, flywheel: FlywheelDep, principal: Caller) -> FlywheelReport:
    """Import the annotations of a week, grow the golden dataset and complete the report."""
    parsed, _ = parse_week(week, env.clock.now())
    done = flywheel.finish(parsed)
    facts = {"version": done.golden_version, "added": done.added_cases}
    env.audit.append(principal.name, "evaluation.golden_grown", parsed.name, facts)
    return done
