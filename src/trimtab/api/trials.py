"""Trying other configurations on real questions, the retrieval canary, and the answers that wait for a review."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from trimtab.api.body import Body
from trimtab.api.http.openapi import refuses
from trimtab.api.roles import OPERATOR, REVIEWER
from trimtab.api.services import Caller, Here
from trimtab.evaluation.online.canary import Probe
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/v1", tags=["answers"], route_class=GuardedRoute)

Short = Annotated[str, StringConstraints(max_length=1000)]


class ReplayRequest(Body):
    """What to try on the newest questions."""

    set: Annotated[dict[Short, Short], Field(default_factory=dict)]
    """Settings of answers by name; none replays the present configuration."""
    last: Annotated[int, Field(ge=1, le=1000)] = 100
    project: str | None = None


class ProbeRequest(Body):
    """A question with the name of the document that answers it."""

    project: Short
    question: Short
    document_name: Short


class CanaryRequest(Body):
    """Probes; none asks those of the settings."""

    probes: Annotated[list[ProbeRequest], Field(default_factory=list, max_length=1000)]


@router.post("/answers/replay", dependencies=[OPERATOR])
def replay(request: ReplayRequest, here: Here) -> dict[str, object]:
    """Ask the newest questions again of another configuration and tell what would change. Nothing is kept."""
    return here.answers.trials.replay(request.set, request.last, request.project).as_dict()


@router.get("/answers/shadow", dependencies=[REVIEWER])
def shadow(here: Here, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000) -> dict[str, object]:
    """Compare the shadow configuration with the present one, in pairs of the same questions."""
    name, report, counts = here.answers.trials.shadow_report(limit)
    summary = {"verdict": report.verdict, "summary": report.as_dict()}
    return {"configuration": name, **summary, "questions": counts}


@router.post("/answers/canary", dependencies=[OPERATOR])
def canary(request: CanaryRequest, here: Here) -> dict[str, object]:
    """Ask questions whose document is known; tell which ones no longer find it."""
    probes = [Probe(**probe.model_dump()) for probe in request.probes]
    return asdict(here.answers.trials.canary(probes))


@router.get("/reviews", dependencies=[REVIEWER])
def reviews(here: Here, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> dict[str, object]:
    """List the answers that a person should look at, the oldest first, and how many wait for which reason."""
    waiting = here.answers.reviews.waiting(limit)
    return {"reviews": [asdict(one) for one in waiting], "waiting": here.answers.reviews.count()}


@router.post(
    "/reviews/{trace_id}/done",
    status_code=204,
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[REVIEWER],
)
def reviewed(trace_id: str, here: Here, who: Caller) -> None:
    """Take an answer off that list: somebody has looked at it."""
    here.answers.reviews.done(trace_id, who.name, here.clock.now())
