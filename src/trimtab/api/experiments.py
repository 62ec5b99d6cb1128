"""Routes of experiments, the retrieval canary and the review queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints

from trimtab.answers.reviews import ReviewItem
from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.http.schemas import extended
from trimtab.api.http.texts import ProjectName
from trimtab.api.roles import OPERATOR, REVIEWER
from trimtab.api.services import AnswersDep, Caller, EnvDep, EvaluationDep
from trimtab.evaluation.experiments.pairs import ExperimentVerdict, PairReport
from trimtab.evaluation.experiments.replay import ReplayReport
from trimtab.evaluation.online.canary import CanaryProbe
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/v1", tags=["answers"], route_class=ApiRoute)

_MAX_CHANGES = 50
Short = Annotated[str, StringConstraints(max_length=1000)]


@dataclass(frozen=True, slots=True)
class ReplayError:
    """A question that the candidate configuration failed to answer."""

    trace_id: str
    code: str


@dataclass(frozen=True, slots=True)
class ReplayChange:
    """An answer that would change; each pair is present, candidate."""

    trace_id: str
    found: tuple[bool, bool]
    grounding: tuple[float, float]
    shared_sources: float


@dataclass(frozen=True, slots=True)
class ReplayBody:
    """Result of a replay with a candidate configuration."""

    configuration: str
    stopped: str
    """Why not all were asked: ``budget``; else empty."""
    verdict: ExperimentVerdict
    summary: PairReport
    errors: tuple[ReplayError, ...]
    changed: tuple[ReplayChange, ...]
    """At most 50, the greatest change first."""

    @classmethod
    def of(cls, report: ReplayReport) -> "ReplayBody":
        """Return the result without the pairs that do not differ."""
        return cls(
            report.name,
            report.stopped,
            report.verdict,
            report.summary,
            tuple(ReplayError(*error) for error in report.errors),
            tuple(
                ReplayChange(
                    pair.trace_id,
                    (pair.now.found, pair.tried.found),
                    (pair.now.grounding, pair.tried.grounding),
                    pair.shared_sources,
                )
                for pair in report.changed[:_MAX_CHANGES]
            ),
        )


@dataclass(frozen=True, slots=True)
class ShadowBody:
    """The shadow configuration compared with the present one."""

    configuration: str
    verdict: ExperimentVerdict
    summary: PairReport
    questions: Mapping[str, int]
    """How many questions had which outcome."""


@dataclass(frozen=True, slots=True)
class CanaryBody:
    """Result of the canary questions, whose documents are known."""

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
    """Answers that need a review, oldest first."""

    reviews: tuple[ReviewItem, ...]
    waiting: Mapping[str, int]
    """How many wait, by reason."""


class ReplayRequest(BaseModel):
    """A candidate configuration to replay."""

    set: Annotated[dict[Short, Short], Field(default_factory=dict)]
    """Settings of answers by name; none replays the present configuration."""
    last: Annotated[int, Field(ge=1, le=1000)] = 100
    project: ProjectName | None = None


class ProbeRequest(BaseModel):
    """A question with the name of the document that answers it."""

    project: Short
    question: Short
    document_name: Short


class CanaryRequest(BaseModel):
    """Canary questions; without any those of the settings."""

    probes: Annotated[list[ProbeRequest], Field(default_factory=list, max_length=1000)]


@router.post("/answers/replay", dependencies=[OPERATOR])
def replay(request: ReplayRequest, evaluation: EvaluationDep) -> ReplayBody:
    """Replay the newest questions with a candidate configuration; nothing is stored."""
    report = evaluation.experiments.replay(request.set, request.last, request.project)
    return ReplayBody.of(report)


@router.get("/answers/shadow", dependencies=[REVIEWER])
def shadow(
    evaluation: EvaluationDep, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000
) -> ShadowBody:
    """Compare the shadow configuration with the present one, in pairs of the same questions."""
    name, report, counts = evaluation.experiments.shadow_report(limit)
    return ShadowBody(name, report.verdict, report, counts)


@router.post("/answers/canary", dependencies=[OPERATOR])
def canary(request: CanaryRequest, evaluation: EvaluationDep) -> CanaryBody:
    """Run the canary questions and return those that miss their document."""
    probes = [CanaryProbe(**probe.model_dump()) for probe in request.probes]
    return extended(CanaryBody, evaluation.experiments.canary(probes))


@router.get("/reviews", dependencies=[REVIEWER])
def reviews(answers: AnswersDep, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> ReviewList:
    """List the answers that need a review, oldest first, and their counts by reason."""
    waiting = answers.reviews.waiting(limit)
    return ReviewList(tuple(waiting), answers.reviews.count())


@router.post(
    "/reviews/{trace_id}/done",
    status_code=204,
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[REVIEWER],
)
def finish_review(trace_id: str, env: EnvDep, answers: AnswersDep, principal: Caller) -> None:
    """Remove a reviewed answer from the review queue."""
    answers.reviews.mark_done(trace_id, principal.name, env.clock.now())
