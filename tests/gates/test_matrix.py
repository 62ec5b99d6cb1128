"""The emergency matrix, the clocks, the contacts and the triage tree are the runbook's."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from trimtab.cli.gates import app
from trimtab.gates.codes import CODES, finding
from trimtab.gates.docs_gate import read_page
from trimtab.gates.matrix import CONTACTS, HANDLING, TREE
from trimtab.gates.records import Failure, Severity
from trimtab.gates.verdict import finding_document

ROOT = Path(__file__).parents[2]
# The runbook's matrix: name, severity, response, escalation.
MATRIX = [
    (Failure.SCHEMA, "Schema Validation", "critical", "Immediate", "Block merge", ("F002", "F003", "F004")),
    (Failure.DATASET, "Dataset Integrity", "critical", "Immediate", "Block merge", ("F005", "F006", "F007")),
    (Failure.SECURITY, "Security/Supply Chain", "critical", "Immediate", "Security team", ("F008", "F009")),
    (Failure.DRIFT, "Drift Detection", "warning", "1 hour", "Review required", ("F010", "F011")),
    (Failure.PERFORMANCE, "Performance Regression", "warning", "2 hours", "Performance review", ("F012", "F013")),
    (Failure.DOCUMENTATION, "Documentation", "low", "Next sprint", "Documentation team", ("F014", "F015")),
]  # fmt: skip
RESOLUTIONS = [
    ("schema.required_missing", "< 30 minutes", "F041"),
    ("datasets.checksum_mismatch", "< 1 hour", "F057"),
    ("benchmark.count_mismatch", "< 2 hours", "F071"),
    ("drift.warning", "< 4 hours", "F088"),
    ("supply_chain.vulnerability", "< 1 hour", "F102"),
    ("supply_chain.vulnerability_critical", "Immediate", "F103"),
    ("drift.slower", "< 4 hours", "F114"),
    ("docs.link_dead", "< 1 day", "F122"),
    ("process.approval_missing", "< 2 hours", "F131"),
]
CONTACT_ROWS = [
    ("Critical Security", "@security-team", "15 minutes", "F148"),
    ("Schema Breaking Changes", "@schema-team", "1 hour", "F149"),
    ("Dataset Issues", "@data-team", "2 hours", "F150"),
    ("CI/CD Pipeline", "@devops-team", "1 hour", "F151"),
    ("Performance Critical", "@performance-team", "4 hours", "F152"),
    ("General Issues", "@maintainers", "8 hours", "F153"),
]
BRANCHES = [
    ("schema", "schema-issues", "F017"), ("dataset", "dataset-issues", "F017"), ("benchmark", "benchmark-issues", "F017"),
    ("drift", "drift-issues", "F017"), ("security", "security-issues", "F017"), ("other", "general-troubleshooting", "F018"),
    ("performance", "performance-issues", "F019"), ("documentation", "documentation-issues", "F020"), ("process", "process-issues", "F021"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("failure", "title", "severity", "response", "escalation"),
    [pytest.param(*row[:5], marks=pytest.mark.feature(*row[5])) for row in MATRIX],
)
def test_the_matrix_is_the_runbooks(failure, title, severity, response, escalation):
    row = HANDLING[failure]
    assert (row.title, row.severity, row.response, row.escalation) == (
        title,
        severity,
        response,
        escalation,
    )


@pytest.mark.parametrize(
    ("code", "resolution"),
    [pytest.param(*row[:2], marks=pytest.mark.feature(row[2])) for row in RESOLUTIONS],
)
def test_a_finding_says_how_long_its_repair_may_take(code, resolution):
    assert finding_document(finding(code, "x", "x"))["resolution"] == resolution


@pytest.mark.parametrize(
    ("issue", "contact", "sla"),
    [pytest.param(*row[:3], marks=pytest.mark.feature(row[3])) for row in CONTACT_ROWS],
)
def test_the_contacts_are_the_runbooks(issue, contact, sla):
    assert CONTACTS[issue] == (contact, sla)


@pytest.mark.feature("F101")
def test_a_critical_hole_calls_the_security_team_at_once():
    row = finding_document(finding("supply_chain.vulnerability_critical", "x", "x"))
    assert (row["team"], row["response"], row["escalation"], row["contact_sla"]) == (
        "@security-team",
        "Immediate",
        "Security team",
        "15 minutes",
    )


@pytest.mark.parametrize(
    ("word", "anchor"),
    [pytest.param(*row[:2], marks=pytest.mark.feature("F016", row[2])) for row in BRANCHES],
)
def test_a_failure_is_routed_to_its_guide(word, anchor):
    done = CliRunner().invoke(app, ["triage", word])
    assert f"#{anchor}" in done.output


@pytest.mark.feature("F022", "F132")
def test_every_branch_ends_at_a_guide_that_exists():
    anchors = read_page(ROOT / "docs" / "gates" / "guides.md").anchors
    assert {branch.guide.partition("#")[2] for branch in TREE} - anchors == set()


def test_every_code_has_a_fix_and_a_team():
    assert all(code.fix and HANDLING[code.failure].team for code in CODES.values())


def test_drift_is_critical_beyond_tolerance_and_blocks():
    row = finding_document(finding("drift.critical", "x", "x"))
    assert (row["severity"], row["blocks"], row["escalation"]) == ("critical", True, "Block merge")


def test_a_note_holds_nobody_up():
    row = finding_document(
        finding("benchmark.environment_missing", "x", "x", severity=Severity.LOW)
    )
    assert (row["response"], row["blocks"]) == ("Next sprint", False)
