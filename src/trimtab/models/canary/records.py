"""Records of canaries: what is compared, under which bounds, and how it ended."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from trimtab.models.canary.sequential import RateVerdict, Trials


class CanaryMode(StrEnum):
    """Kind of trial of a candidate."""

    CANARY = "canary"
    """It answers a share of the requests."""
    SHADOW = "shadow"
    """It predicts a copy of a share of the requests; no caller gets its answers."""


class CanaryState(StrEnum):
    """State of a canary."""

    RUNNING = "running"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    """The candidate was worse, or not shown to be as good in time; production stays."""
    PASSED = "passed"
    """The candidate is not worse, and a person decides."""
    STOPPED = "stopped"
    """A person ended it."""


@dataclass(frozen=True, slots=True)
class ModelCanary:
    """One comparison of a candidate with production.

    Attributes:
        id: Of the comparison.
        name: Of the model.
        candidate: Version that is tried.
        production: Version that serves.
        mode: Whether it answers.
        share: Share of requests that it gets, in (0, 1].
        margin: A rate that is higher by less is not worse.
        alpha: Chance of a wrong decision over all rates together.
        slow_ms: A slower request is bad.
        max_seconds: Without a decision by then, the candidate is rolled back.
        promote: Whether it is promoted by itself; else a person decides.
        actor: Who started it.
        started_at: Its beginning.
        state: Where it is.
        ended_at: Its end; None while it runs.
        reason: Why it ended; empty while it runs.
    """

    id: str
    name: str
    candidate: int
    production: int
    mode: CanaryMode
    share: float
    margin: float
    alpha: float
    slow_ms: float
    max_seconds: float
    promote: bool
    actor: str
    started_at: datetime
    state: CanaryState = CanaryState.RUNNING
    ended_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RateEvidence:
    """The two arms by one rate."""

    rate: str
    """``errors``, ``slow`` or ``disagreement``."""
    production: Trials
    candidate: Trials
    production_bounds: tuple[float, float]
    candidate_bounds: tuple[float, float]
    evidence: RateVerdict


@dataclass(frozen=True, slots=True)
class ModelCanaryReport:
    """A canary with its evidence now."""

    canary: ModelCanary
    rates: tuple[RateEvidence, ...]
    agreement: float | None = None
    """Share of a shadow's rows with the label that production gave; null for a canary."""
