"""What the routes of answers answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from trimtab.answers import Answer, Trace
from trimtab.answers.records import Feedback
from trimtab.answers.reviews import Wanted
from trimtab.api.forms.shape import Shape
from trimtab.evaluation.statistics import Interval

Verdict = Literal["better", "worse", "unclear"]


@dataclass(frozen=True, slots=True)
class TraceList:
    """The newest traces first."""

    traces: tuple[Trace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceBody(Trace):
    """How an answer came about, and what was said about it."""

    duration_ms: float
    feedback: tuple[Feedback, ...]


@dataclass(frozen=True, slots=True)
class FeedbackKept:
    """The feedback that was kept."""

    id: str


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


FORMS: Mapping[str, Shape] = {
    "GET /api/v1/query/{project}": Answer,
    "POST /api/v1/query": Answer,
    "POST /v1/answers": Answer,
    "GET /v1/traces": TraceList,
    "GET /v1/traces/{trace_id}": TraceBody,
    "POST /v1/traces/{trace_id}/feedback": FeedbackKept,
    "POST /v1/answers/replay": ReplayBody,
    "GET /v1/answers/shadow": ShadowBody,
    "POST /v1/answers/canary": CanaryBody,
    "GET /v1/reviews": ReviewList,
}
