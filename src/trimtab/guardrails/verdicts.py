"""Records of what guards decide: judgements, verdicts and outcomes."""

from collections.abc import Mapping
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


SEVERITIES = tuple(Decision)
"""The decisions in order of severity: allow, warn, unknown, block."""


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
    """Combined decision on one text, with all verdicts; see `combine_validation_results`."""

    decision: Decision
    verdicts: tuple[Verdict, ...]
    allowed: bool
    """Whether the text may pass, with or without a warning."""
    reason: str
    """The reason of the most severe verdict; empty when all allow."""
    bypassed: Mapping[str, str]
    """The decisions that a bypass suppressed, by guard."""
