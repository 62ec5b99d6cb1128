"""Records of findings, gate results and verdicts: frozen and JSON-ready."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """Severities of the runbook's emergency matrix."""

    CRITICAL = "critical"
    """Blocks the merge."""
    WARNING = "warning"
    """A person reviews before the release."""
    LOW = "low"
    """Recorded; does not block the release."""


class GateOutcome(StrEnum):
    """Outcome of a verdict or of one gate."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password.
    REVIEW = "review"
    BLOCK = "block"
    UNKNOWN = "unknown"
    """Not checked, or checked too long ago: never a pass."""


class GateState(StrEnum):
    """State of a gate: ran, skipped, or without required evidence."""

    RAN = "ran"
    SKIPPED = "skipped"
    """Its evidence is absent and the policy does not require it."""
    MISSING = "missing"
    """Its evidence is absent and the policy requires it: this blocks."""


class Failure(StrEnum):
    """Failure types of the runbook; each has a row in `matrix.HANDLING`."""

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
    """A problem that a gate found in the evidence."""

    gate: str
    code: str
    """A key of `codes.CODES`, such as ``schema.required_missing``."""
    severity: Severity
    path: str
    """Location: a JSON path (``$.results[3].accuracy``), or a file path with an optional ``:line``.
    """
    message: str
    """Message of the code, then the details."""
    fix: str
    team: str
    failure: Failure = Failure.GENERAL


@dataclass(frozen=True, slots=True)
class GateResult:
    """Result of one gate."""

    gate: str
    state: GateState
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    """JSON-ready values to show, such as the number of packages."""
    reason: str = ""
    """Reason why the gate did not run; empty when it ran."""

    @property
    def outcome(self) -> GateOutcome:
        """Return the outcome of this gate alone."""
        return outcome_of(self.findings)


def outcome_of(findings: tuple[Finding, ...]) -> GateOutcome:
    """Return the outcome of the most severe finding.

    Block for a critical finding, review for a warning, pass otherwise.
    """
    severities = {found.severity for found in findings}
    if Severity.CRITICAL in severities:
        return GateOutcome.BLOCK
    return GateOutcome.REVIEW if Severity.WARNING in severities else GateOutcome.PASS


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """Verdict of all gates about one report under one policy."""

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
        """Return the findings of all gates, in the order of the gates."""
        return tuple(found for result in self.results for found in result.findings)
