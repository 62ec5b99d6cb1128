"""Trying other configurations on real questions, the retrieval canary, and the answers that wait for a review."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from trimtab.answers.reviews import Wanted
from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute, answers
from trimtab.api.http.schemas import extended
from trimtab.api.request_body import Body
from trimtab.api.roles import OPERATOR, REVIEWER
from trimtab.api.services import Caller, Here
from trimtab.evaluation.online.canary import Probe
from trimtab.evaluation.statistics import Interval
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/v1", tags=["answers"], route_class=ApiRoute)

Verdict = Literal["better", "worse", "unclear"]
Short = Annotated[str, StringConstraints(max_length=1000)]


@dataclass(frozen=True, slots=True)
class TrialSummary:
    """What a second configuration would change: differences are tried minus now."""

    n: int
    """How many pairs of the same question."""
    changed_text: int
    found_gained: int
    found_lost: int
    shared_sources: float | None
    """The mean share of cited passages that both cite, in [0, 1]; null without pairs."""
    grounding: Interval
    found: Interval
    duration_ratio: float | None
    """The median of tried over now; null without pairs."""
    cost_usd: Interval
    fallbacks: int
    """Tried answers that the configured generator did not write."""


@dataclass(frozen=True, slots=True)
class ReplayError:
    """A question that the tried configuration failed to answer."""

    trace_id: str
    code: str


@dataclass(frozen=True, slots=True)
class ReplayChange:
    """An answer that would be another one; each pair is now, tried."""

    trace_id: str
    found: tuple[bool, bool]
    grounding: tuple[float, float]
    shared_sources: float


@dataclass(frozen=True, slots=True)
class ReplayBody:
    """What would change if the configuration were switched."""

    configuration: str
    stopped: str
    """Why not all were asked: ``budget``; else empty."""
    verdict: Verdict
    summary: TrialSummary
    errors: tuple[ReplayError, ...]
    changed: tuple[ReplayChange, ...]
    """At most 50, the greatest change first."""


@dataclass(frozen=True, slots=True)
class ShadowBody:
    """The shadow configuration beside the present one."""

    configuration: str
    verdict: Verdict
    summary: TrialSummary
    questions: Mapping[str, int]
    """How many questions had which outcome."""


@dataclass(frozen=True, slots=True)
class CanaryBody:
    """What one round of questions with known documents found."""

    probes: int
    recall: float | None
    """Probes whose document was among the passages, in [0, 1]; null without probes."""
    mean_reciprocal_rank: float | None
    degraded: int
    missed: tuple[str, ...]
    """The questions whose document was not found."""
    error: str
    """The last failure of retrieval itself; else empty."""


@dataclass(frozen=True, slots=True)
class ReviewList:
    """Answers that a person should look at, the oldest first."""

    reviews: tuple[Wanted, ...]
    waiting: Mapping[str, int]
    """How many wait, by reason."""


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


@router.post("/answers/replay", responses=answers(200, ReplayBody), dependencies=[OPERATOR])
def replay(request: ReplayRequest, services: Here) -> dict[str, object]:
    """Ask the newest questions again of another configuration and tell what would change. Nothing is kept."""
    return services.evaluation.experiments.replay(
        request.set, request.last, request.project
    ).as_dict()


@router.get("/answers/shadow", responses=answers(200, ShadowBody), dependencies=[REVIEWER])
def shadow(
    services: Here, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000
) -> dict[str, object]:
    """Compare the shadow configuration with the present one, in pairs of the same questions."""
    name, report, counts = services.evaluation.experiments.shadow_report(limit)
    summary = {"verdict": report.verdict, "summary": report.as_dict()}
    return {"configuration": name, **summary, "questions": counts}


@router.post("/answers/canary", dependencies=[OPERATOR])
def canary(request: CanaryRequest, services: Here) -> CanaryBody:
    """Ask questions whose document is known; tell which ones no longer find it."""
    probes = [Probe(**probe.model_dump()) for probe in request.probes]
    return extended(CanaryBody, services.evaluation.experiments.canary(probes))


@router.get("/reviews", dependencies=[REVIEWER])
def reviews(services: Here, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> ReviewList:
    """List the answers that a person should look at, the oldest first, and how many wait for which reason."""
    waiting = services.answers.reviews.waiting(limit)
    return ReviewList(tuple(waiting), services.answers.reviews.count())


@router.post(
    "/reviews/{trace_id}/done",
    status_code=204,
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[REVIEWER],
)
def reviewed(trace_id: str, services: Here, principal: Caller) -> None:
    """Take an answer off that list: somebody has looked at it."""
    services.answers.reviews.done(trace_id, principal.name, services.clock.now())
