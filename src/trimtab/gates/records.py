"""The records that pass between gates, verdict and reader. All frozen, all JSON-ready."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """The words of the runbook's emergency matrix."""

    CRITICAL = "critical"
    """Blocks the merge."""
    WARNING = "warning"
    """A person reviews before the release."""
    LOW = "low"
    """Noted; does not hold the release."""


class GateOutcome(StrEnum):
    """What a verdict says."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password.
    REVIEW = "review"
    BLOCK = "block"
    UNKNOWN = "unknown"
    """Not judged, or judged too long ago: never a pass."""


class GateState(StrEnum):
    """Whether a gate had anything to judge."""

    RAN = "ran"
    SKIPPED = "skipped"
    """Its evidence is absent and the policy does not require it."""
    MISSING = "missing"
    """Its evidence is absent and the policy requires it: this blocks."""


class Failure(StrEnum):
    """The failure types of the runbook's matrix and guides; each has one row in `matrix.HANDLING`."""

    SCHEMA = "schema"
    DATASET = "dataset"
    BENCHMARK = "benchmark"
    DRIFT = "drift"
    SECURITY = "security"
    PERFORMANCE = "performance"
    DOCUMENTATION = "documentation"
    PROCESS = "process"
    GENERAL = "general"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a gate holds against the evidence."""

    gate: str
    code: str
    """A key of `codes.CODES`, such as ``schema.required_missing``."""
    severity: Severity
    path: str
    """Where: a JSON path (``$.results[3].accuracy``), or a file path with an optional ``:line``."""
    message: str
    """The contract's words, then the particulars."""
    fix: str
    team: str
    failure: Failure = Failure.GENERAL


@dataclass(frozen=True, slots=True)
class GateResult:
    """What one gate found."""

    gate: str
    state: GateState
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    """JSON-ready numbers worth showing, such as how many files were hashed."""
    reason: str = ""
    """Why it did not run; empty when it ran."""

    @property
    def outcome(self) -> GateOutcome:
        """Return what this gate alone would say."""
        return outcome_of(self.findings)


def outcome_of(findings: tuple[Finding, ...]) -> GateOutcome:
    """Return block if any finding is critical, review if any is a warning, pass otherwise."""
    severities = {found.severity for found in findings}
    if Severity.CRITICAL in severities:
        return GateOutcome.BLOCK
    return GateOutcome.REVIEW if Severity.WARNING in severities else GateOutcome.PASS


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What all gates together say about one report under one policy."""

    outcome: GateOutcome
    subject: str
    """The report's file name, or the repository's name."""
    subject_sha256: str
    policy: str
    """The policy's file name, or ``default``."""
    policy_sha256: str
    at: str
    """ISO 8601, UTC."""
    results: tuple[GateResult, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return every finding, the gates in their order."""
        return tuple(found for result in self.results for found in result.findings)
