"""Emergency matrix, deadlines, contacts and triage tree of the MISO runbook.

Four deadlines are separate and never merged: response time, resolution time, contact time, and
escalation. The runbook gives Benchmark and Process no severity; here a benchmark that cannot be
trusted is critical like any other unusable evidence, and a process gap is a warning.
"""

from dataclasses import dataclass

from trimtab.gates.records import Failure, Severity

GUIDES = "docs/gates/guides.md"


@dataclass(frozen=True, slots=True)
class Handling:
    """Row of the matrix: team, deadlines and guide of a failure type."""

    title: str
    """The name in the runbook's matrix."""
    severity: Severity
    response: str
    resolution: str
    escalation: str
    team: str
    contact_sla: str
    anchor: str
    """The guide's anchor, in `GUIDES`."""
    headline: str
    """Headline that is printed when a gate of this kind blocks."""

    @property
    def guide(self) -> str:
        """Return the path of the guide in the documentation."""
        return f"{GUIDES}#{self.anchor}"


HANDLING: dict[Failure, Handling] = {
    Failure.SCHEMA: Handling(
        "Schema Validation", Severity.CRITICAL, "Immediate", "< 30 minutes", "Block merge",
        "@schema-team", "1 hour", "schema-issues", "❌ Schema validation failed",
    ),
    Failure.DATASET: Handling(
        "Dataset Integrity", Severity.CRITICAL, "Immediate", "< 1 hour", "Block merge",
        "@data-team", "2 hours", "dataset-issues", "❌ Dataset validation failed",
    ),
    Failure.SECURITY: Handling(
        "Security/Supply Chain", Severity.CRITICAL, "Immediate", "< 1 hour", "Security team",
        "@security-team", "15 minutes", "security-issues", "❌ Provenance verification failed",
    ),
    Failure.BENCHMARK: Handling(
        "Benchmark Execution", Severity.CRITICAL, "Immediate", "< 2 hours", "Block merge",
        "@maintainers", "8 hours", "benchmark-issues", "❌ Benchmark execution failed",
    ),
    Failure.DRIFT: Handling(
        "Drift Detection", Severity.WARNING, "1 hour", "< 4 hours", "Review required",
        "@maintainers", "8 hours", "drift-issues", "⚠️ Performance drift detected",
    ),
    Failure.PERFORMANCE: Handling(
        "Performance Regression", Severity.WARNING, "2 hours", "< 4 hours", "Performance review",
        "@performance-team", "4 hours", "performance-issues", "Timeout or performance issues",
    ),
    Failure.DOCUMENTATION: Handling(
        "Documentation", Severity.LOW, "Next sprint", "< 1 day", "Documentation team",
        "Documentation team", "Next sprint", "documentation-issues", "Documentation issues",
    ),
    Failure.PROCESS: Handling(
        "Process", Severity.WARNING, "2 hours", "< 2 hours", "Review required",
        "@devops-team", "1 hour", "process-issues", "Process issues",
    ),
    Failure.GENERAL: Handling(
        "General", Severity.CRITICAL, "Immediate", "< 2 hours", "Block merge",
        "@maintainers", "8 hours", "general-troubleshooting", "❌ A gate could not be judged",
    ),
}  # fmt: skip

CONTACTS: dict[str, tuple[str, str]] = {
    "Critical Security": ("@security-team", "15 minutes"),
    "Schema Breaking Changes": ("@schema-team", "1 hour"),
    "Dataset Issues": ("@data-team", "2 hours"),
    "CI/CD Pipeline": ("@devops-team", "1 hour"),
    "Performance Critical": ("@performance-team", "4 hours"),
    "General Issues": ("@maintainers", "8 hours"),
}
"""Issue type to contact and response SLA, the runbook's last table."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """Deadlines of one finding."""

    response: str
    resolution: str
    escalation: str


def clocks(failure: Failure, severity: Severity) -> Clocks:
    """Return a finding's deadlines, adjusted where its severity differs from its row.

    A critical security finding is resolved immediately ("< 1 hour" is for the others) and its team
    is called at once. Critical drift blocks; a note on a critical matter waits for the next sprint.
    """
    row = HANDLING[failure]
    if failure is Failure.SECURITY:
        immediate = severity is Severity.CRITICAL
        return Clocks(row.response, "Immediate" if immediate else row.resolution, row.escalation)
    if severity is Severity.LOW:
        return Clocks(
            "Next sprint", row.resolution, row.escalation if row.severity is severity else "None"
        )
    if severity is row.severity:
        return Clocks(row.response, row.resolution, row.escalation)
    if severity is Severity.CRITICAL:
        return Clocks("Immediate", row.resolution, "Block merge")
    return Clocks(row.response, row.resolution, "Review required")


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of the triage tree."""

    question: str
    failure: Failure
    red_ci: bool
    """True for the branches under "Red CI Status?"."""

    @property
    def guide(self) -> str:
        """Return the guide at the end of the branch."""
        return HANDLING[self.failure].guide


TREE: tuple[Branch, ...] = (
    Branch("Schema Gate Failed?", Failure.SCHEMA, red_ci=True),
    Branch("Dataset Gate Failed?", Failure.DATASET, red_ci=True),
    Branch("Benchmark Failed?", Failure.BENCHMARK, red_ci=True),
    Branch("Drift Alert?", Failure.DRIFT, red_ci=True),
    Branch("Security Alert?", Failure.SECURITY, red_ci=True),
    Branch("Other?", Failure.GENERAL, red_ci=True),
    Branch("Performance Issues?", Failure.PERFORMANCE, red_ci=False),
    Branch("Documentation Issues?", Failure.DOCUMENTATION, red_ci=False),
    Branch("Process Issues?", Failure.PROCESS, red_ci=False),
)
"""The triage decision tree. Every branch ends at a guide that exists (a test reads the page)."""
