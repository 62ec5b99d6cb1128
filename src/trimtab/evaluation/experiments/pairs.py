"""The same question answered by two configurations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trimtab.answers.records import Trace
from trimtab.evaluation.statistics import Interval, paired_interval, quantile

ExperimentVerdict = Literal["better", "worse", "unclear"]


@dataclass(frozen=True, slots=True)
class PairOutcome:
    """Outcome of one configuration; holds no text."""

    found: bool
    blocked: bool
    grounding: float
    duration_ms: float
    cost_usd: float
    model: str
    fallback: bool = False
    """True when the configured generator did not write it, or quotes replaced it."""

    @classmethod
    def of(cls, trace: Trace) -> "PairOutcome":
        """Return the outcome of a trace."""
        answer = trace.answer
        return cls(
            answer.found,
            answer.blocked,
            trace.grounding if answer.found else 0.0,
            round(trace.duration_ms, 3),
            trace.cost_usd,
            answer.model,
            any(stage.outcome == "fallback" for stage in trace.stages),
        )


@dataclass(frozen=True, slots=True)
class Pair:
    """Two outcomes for one question."""

    trace_id: str
    now: PairOutcome
    tried: PairOutcome
    same_text: bool
    shared_sources: float
    """Jaccard index of the cited passages, in [0, 1]; 1 when neither cites any."""


def pair(now: Trace, tried: Trace) -> Pair:
    """Return the comparison of two traces of one question."""
    own = {citation.chunk_id for citation in now.answer.citations}
    other = {citation.chunk_id for citation in tried.answer.citations}
    shared = len(own & other) / len(own | other) if own | other else 1.0
    same = now.answer.text == tried.answer.text
    return Pair(now.id, PairOutcome.of(now), PairOutcome.of(tried), same, round(shared, 4))


@dataclass(frozen=True, slots=True)
class PairReport:
    """Differences over the pairs, candidate minus present, with 95 % intervals."""

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
    fallbacks: int = 0
    """Candidate answers that the configured generator did not write: they say little about it."""

    @property
    def verdict(self) -> ExperimentVerdict:
        """Return ``better``, ``worse`` or ``unclear``, by the bounds of the intervals."""
        bounds = [(i.low, i.high) for i in (self.grounding, self.found)]
        if any(high is not None and high < 0 for _, high in bounds):
            return "worse"
        if any(low is not None and low > 0 for low, _ in bounds):
            return "better"
        return "unclear"


def report(pairs: Sequence[Pair]) -> PairReport:
    """Return what the pairs say together."""
    ratios = [p.tried.duration_ms / p.now.duration_ms for p in pairs if p.now.duration_ms > 0]
    shared = [p.shared_sources for p in pairs]
    return PairReport(
        n=len(pairs),
        changed_text=sum(not p.same_text for p in pairs),
        found_gained=sum(p.tried.found and not p.now.found for p in pairs),
        found_lost=sum(p.now.found and not p.tried.found for p in pairs),
        shared_sources=round(sum(shared) / len(shared), 4) if shared else None,
        grounding=paired_interval([p.tried.grounding - p.now.grounding for p in pairs]),
        found=paired_interval([float(p.tried.found) - p.now.found for p in pairs]),
        duration_ratio=round(quantile(ratios, 0.5), 4) if ratios else None,
        cost_usd=paired_interval([p.tried.cost_usd - p.now.cost_usd for p in pairs]),
        fallbacks=sum(p.tried.fallback for p in pairs),
    )
