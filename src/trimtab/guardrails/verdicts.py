"""What a guard says, and what several of them say together."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Decision(StrEnum):
    """What shall happen to the text, mildest first. Unknown is worse than a warning: an unclear verdict is a no."""

    ALLOW = "allow"
    WARN = "warn"
    UNKNOWN = "unknown"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        """Return the place in the order allow < warn < unknown < block."""
        return list(Decision).index(self)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one guard found in one text."""

    decision: Decision
    score: float | None = None
    """The guard's own measure in [0, 1], higher is worse; None where it has none."""
    reason: str = ""
    """One sentence for the trace, without document text or personal data."""
    findings: tuple[str, ...] = ()
    """Names of what was found: patterns, kinds of data, kinds of facts."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement with its guard and its cost."""

    guard: str
    decision: Decision
    score: float | None
    reason: str
    findings: tuple[str, ...]
    duration_ms: float
    shadow: bool = False
    """True when it was found under a bypass: kept for review, without effect."""
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """All verdicts on one text."""

    decision: Decision
    verdicts: tuple[Verdict, ...]

    @property
    def allowed(self) -> bool:
        """Return whether the text may pass: allowed, if need be with a warning."""
        return self.decision in (Decision.ALLOW, Decision.WARN)

    @property
    def bypassed(self) -> dict[str, str]:
        """Return what a bypass kept from taking effect: each guard with what it would have decided."""
        return {
            verdict.guard: verdict.decision.value
            for verdict in self.verdicts
            if verdict.shadow and verdict.decision is not Decision.ALLOW
        }

    @property
    def reason(self) -> str:
        """Return the reason of the worst verdict; empty when all allow."""
        effective = [verdict for verdict in self.verdicts if not verdict.shadow]
        worst = max(effective, key=lambda verdict: verdict.decision.rank, default=None)
        if worst is None or worst.decision is Decision.ALLOW:
            return ""
        return f"{worst.guard}: {worst.reason}"


def combine_validation_results(verdicts: Iterable[Verdict]) -> Outcome:
    """Return the outcome: the worst decision that is not a shadow; allow when there is none."""
    collected = tuple(verdicts)
    effective = [verdict.decision for verdict in collected if not verdict.shadow]
    worst = max(effective, key=lambda decision: decision.rank, default=Decision.ALLOW)
    return Outcome(worst, collected)
