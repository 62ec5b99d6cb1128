"""Judgements of guards, and their combination into one outcome."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Decision(StrEnum):
    """Decision on a text, in order of severity.

    Unknown is worse than a warning: without a clear verdict the text does not pass.
    """

    ALLOW = "allow"
    WARN = "warn"
    UNKNOWN = "unknown"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        """Return the severity: allow < warn < unknown < block."""
        return list(Decision).index(self)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Result of one guard on one text."""

    decision: Decision
    score: float | None = None
    """The guard's own score in [0, 1], higher is worse; None for a guard without a score."""
    reason: str = ""
    """One sentence for the trace, without document text or personal data."""
    findings: tuple[str, ...] = ()
    """Names of the findings: patterns, kinds of data, kinds of facts."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement with the name of its guard and its duration."""

    guard: str
    decision: Decision
    score: float | None
    reason: str
    findings: tuple[str, ...]
    duration_ms: float
    shadow: bool = False
    """True under a bypass: recorded for review, without effect on the outcome."""
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """Combined decision on one text, with all verdicts."""

    decision: Decision
    verdicts: tuple[Verdict, ...]

    @property
    def allowed(self) -> bool:
        """Return whether the text may pass, with or without a warning."""
        return self.decision in (Decision.ALLOW, Decision.WARN)

    @property
    def bypassed(self) -> dict[str, str]:
        """Return the decisions that a bypass suppressed, by guard."""
        return {
            verdict.guard: verdict.decision.value
            for verdict in self.verdicts
            if verdict.shadow and verdict.decision is not Decision.ALLOW
        }

    @property
    def reason(self) -> str:
        """Return the reason of the most severe verdict; empty when all allow."""
        effective = [verdict for verdict in self.verdicts if not verdict.shadow]
        worst = max(effective, key=lambda verdict: verdict.decision.rank, default=None)
        if worst is None or worst.decision is Decision.ALLOW:
            return ""
        return f"{worst.guard}: {worst.reason}"


def combine_validation_results(verdicts: Iterable[Verdict]) -> Outcome:
    """Return the most severe decision, without shadow verdicts; allow by default."""
    collected = tuple(verdicts)
    effective = [verdict.decision for verdict in collected if not verdict.shadow]
    worst = max(effective, key=lambda decision: decision.rank, default=Decision.ALLOW)
    return Outcome(worst, collected)
