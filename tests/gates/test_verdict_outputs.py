"""What a verdict says to programs, pipelines and people, word by word."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import orjson
import pytest

from trimtab.gates.matrix import clocks
from trimtab.gates.records import (
    Failure,
    Finding,
    GateOutcome,
    GateResult,
    GateState,
    GateVerdict,
    Severity,
    outcome_of,
)
from trimtab.gates.verdict import (
    EXIT_CODES,
    document,
    headline,
    junit,
    markdown,
    sarif,
    sign,
)
from trimtab.gates.verdict_files import store_verdict

SCHEMA = Finding(
    "schema", "schema.out_of_range", Severity.CRITICAL, "$.results[0].accuracy",
    "Value out of range: 1.2", "Give a fraction.", "@schema-team", Failure.SCHEMA,
)  # fmt: skip
DOCS = Finding(
    "docs", "docs.broken_link", Severity.LOW, "docs/guide.md:7",
    "Broken link: a|b\nc", "Correct the link.", "Documentation team", Failure.DOCUMENTATION,
)  # fmt: skip
DRIFT = Finding(
    "drift", "drift.slower", Severity.WARNING, "logs/run.jsonl",
    "Slower than the baseline: 26 %", "Profile it.", "@maintainers", Failure.DRIFT,
)  # fmt: skip
RESULTS = (
    GateResult("schema", GateState.RAN, (SCHEMA,), {"schema_version": "2.0"}),
    GateResult("drift", GateState.RAN, (DRIFT,)),
    GateResult("datasets", GateState.SKIPPED, reason="there are no datasets"),
    GateResult("docs", GateState.RAN, (DOCS,)),
)
VERDICT = GateVerdict(
    GateOutcome.BLOCK,
    "report.json",
    "a" * 64,
    "gates.yaml",
    "b" * 64,
    "2026-01-05T12:00:00Z",
    RESULTS,
)
SCHEMA_DOCUMENT = {
    "gate": "schema",
    "code": "schema.out_of_range",
    "severity": "critical",
    "path": "$.results[0].accuracy",
    "message": "Value out of range: 1.2",
    "fix": "Give a fraction.",
    "team": "@schema-team",
    "blocks": True,
    "response": "Immediate",
    "resolution": "< 30 minutes",
    "escalation": "Block merge",
    "contact_sla": "1 hour",
    "guide": "docs/gates/guides.md#schema-issues",
}


def test_the_document_holds_every_field_of_the_verdict():
    shown = document(VERDICT)
    assert {key: value for key, value in shown.items() if key not in {"gates", "findings"}} == {
        "schema_version": "1.0",
        "verdict": "block",
        "subject": "report.json",
        "subject_sha256": "a" * 64,
        "policy": "gates.yaml",
        "policy_sha256": "b" * 64,
        "at": "2026-01-05T12:00:00Z",
        "signed": None,
    }
    assert document(VERDICT, {"key": "k"})["signed"] == {"key": "k"}


def test_the_document_lists_each_gate_with_its_headline_reason_and_facts():
    assert document(VERDICT)["gates"] == [
        {
            "gate": "schema",
            "state": "ran",
            "outcome": "block",
            "headline": "❌ Schema validation failed",
            "facts": {"schema_version": "2.0"},
        },
        {
            "gate": "drift",
            "state": "ran",
            "outcome": "review",
            "headline": "⚠️ Slower than the baseline",
        },
        {
            "gate": "datasets",
            "state": "skipped",
            "outcome": "pass",
            "reason": "there are no datasets",
        },
        {"gate": "docs", "state": "ran", "outcome": "pass"},
    ]


def test_the_document_lists_each_finding_with_its_clocks_and_guide():
    first, second, third = document(VERDICT)["findings"]
    assert first == SCHEMA_DOCUMENT
    assert [(f["code"], f["blocks"]) for f in (second, third)] == [
        ("drift.slower", False),
        ("docs.broken_link", False),
    ]


@pytest.mark.parametrize(
    ("findings", "line"),
    [
        ((), ""),
        ((DOCS,), ""),
        ((DRIFT, SCHEMA), "❌ Schema validation failed"),
        ((replace(SCHEMA, failure=Failure.DATASET),), "❌ Dataset validation failed"),
        ((replace(SCHEMA, failure=Failure.BENCHMARK),), "❌ Benchmark execution failed"),
        ((replace(SCHEMA, failure=Failure.SECURITY),), "❌ Value out of range"),
        ((replace(SCHEMA, message="❌ Unsigned: report.json"),), "❌ Unsigned"),
        ((replace(DRIFT, message="⚠️ Drift detected: much"),), "⚠️ Drift detected"),
    ],
)
def test_the_headline_is_that_of_the_worst_finding(findings, line):
    assert headline(GateResult("gate", GateState.RAN, findings)) == line


@pytest.mark.parametrize(
    ("severities", "outcome"),
    [
        ((), GateOutcome.PASS),
        ((Severity.LOW,), GateOutcome.PASS),
        ((Severity.LOW, Severity.WARNING), GateOutcome.REVIEW),
        ((Severity.WARNING, Severity.CRITICAL), GateOutcome.BLOCK),
    ],
)
def test_the_worst_finding_decides_the_outcome(severities, outcome):
    assert outcome_of(tuple(replace(DOCS, severity=s) for s in severities)) is outcome


@pytest.mark.parametrize(
    ("member", "word"),
    [
        (Severity.CRITICAL, "critical"), (Severity.WARNING, "warning"), (Severity.LOW, "low"),
        (GateOutcome.PASS, "pass"), (GateOutcome.REVIEW, "review"), (GateOutcome.BLOCK, "block"),
        (GateOutcome.UNKNOWN, "unknown"), (GateState.RAN, "ran"), (GateState.SKIPPED, "skipped"),
        (GateState.MISSING, "missing"), (Failure.SCHEMA, "schema"), (Failure.DATASET, "dataset"),
        (Failure.BENCHMARK, "benchmark"), (Failure.DRIFT, "drift"), (Failure.SECURITY, "security"),
        (Failure.PERFORMANCE, "performance"), (Failure.DOCUMENTATION, "documentation"),
        (Failure.PROCESS, "process"), (Failure.GENERAL, "general"),
    ],
    ids=str,
)  # fmt: skip
def test_programs_know_severities_outcomes_states_and_failures_by_their_words(member, word):
    assert member.value == word


@pytest.mark.parametrize(
    ("failure", "severity", "clock"),
    [
        (Failure.SCHEMA, Severity.CRITICAL, ("Immediate", "< 30 minutes", "Block merge")),
        (Failure.SCHEMA, Severity.WARNING, ("Immediate", "< 30 minutes", "Review required")),
        (Failure.SCHEMA, Severity.LOW, ("Next sprint", "< 30 minutes", "None")),
        (Failure.SECURITY, Severity.CRITICAL, ("Immediate", "Immediate", "Security team")),
        (Failure.SECURITY, Severity.WARNING, ("Immediate", "< 1 hour", "Security team")),
        (Failure.DRIFT, Severity.WARNING, ("1 hour", "< 4 hours", "Review required")),
        (Failure.DRIFT, Severity.CRITICAL, ("Immediate", "< 4 hours", "Block merge")),
        (Failure.PERFORMANCE, Severity.WARNING, ("2 hours", "< 4 hours", "Performance review")),
        (Failure.DOCUMENTATION, Severity.LOW, ("Next sprint", "< 1 day", "Documentation team")),
        (Failure.DOCUMENTATION, Severity.WARNING, ("Next sprint", "< 1 day", "Review required")),
    ],
)
def test_the_clocks_of_a_finding_follow_its_kind_and_severity(failure, severity, clock):
    by_when = clocks(failure, severity)
    assert (by_when.response, by_when.resolution, by_when.escalation) == clock


def test_the_exit_code_tells_pass_block_and_not_judged_apart():
    assert EXIT_CODES == {
        GateOutcome.PASS: 0,
        GateOutcome.BLOCK: 1,
        GateOutcome.REVIEW: 3,
        GateOutcome.UNKNOWN: 3,
    }


@pytest.mark.parametrize(
    ("outcome", "result"), [(GateOutcome.PASS, "PASSED"), (GateOutcome.BLOCK, "FAILED"), (GateOutcome.REVIEW, "FAILED")]
)  # fmt: skip
def test_the_signed_verdict_is_a_verification_summary(world, outcome, result):
    verdict = replace(VERDICT, outcome=outcome)
    opened = world.ring().open(sign(verdict, world.ring()))
    assert opened.statement["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert opened.subjects() == {"report.json": "a" * 64}
    assert opened.predicate == {
        "verifier": {"id": "urn:trimtab:gates"},
        "timeVerified": "2026-01-05T12:00:00Z",
        "resourceUri": "report.json",
        "policy": {"uri": "gates.yaml", "digest": {"sha256": "b" * 64}},
        "verificationResult": result,
        "verdict": document(verdict),
    }


def test_sarif_holds_each_finding_with_its_place():
    assert orjson.loads(sarif(VERDICT)) == {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "trimtab gates",
                        "rules": [
                            {
                                "id": "schema.out_of_range",
                                "shortDescription": {"text": "Value out of range"},
                                "help": {"text": "Give a fraction."},
                            },
                            {
                                "id": "drift.slower",
                                "shortDescription": {"text": "Slower than the baseline"},
                                "help": {"text": "Profile it."},
                            },
                            {
                                "id": "docs.broken_link",
                                "shortDescription": {"text": "Broken link"},
                                "help": {"text": "Correct the link."},
                            },
                        ],
                    }
                },
                "results": [
                    {
                        "ruleId": "schema.out_of_range",
                        "level": "error",
                        "message": {"text": "Value out of range: 1.2. Give a fraction."},
                        "locations": [
                            {
                                "physicalLocation": {"artifactLocation": {"uri": "report.json"}},
                                "logicalLocations": [
                                    {"fullyQualifiedName": "$.results[0].accuracy"}
                                ],
                            }
                        ],
                    },
                    {
                        "ruleId": "drift.slower",
                        "level": "warning",
                        "message": {"text": "Slower than the baseline: 26 %. Profile it."},
                        "locations": [
                            {"physicalLocation": {"artifactLocation": {"uri": "logs/run.jsonl"}}}
                        ],
                    },
                    {
                        "ruleId": "docs.broken_link",
                        "level": "note",
                        "message": {"text": "Broken link: a|b\nc. Correct the link."},
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": {"uri": "docs/guide.md"},
                                    "region": {"startLine": 7},
                                }
                            }
                        ],
                    },
                ],
            }
        ],
    }


@pytest.mark.parametrize("path", [":7", "docs/guide.md:seven"])
def test_what_is_no_line_number_stays_part_of_the_place(path):
    verdict = replace(
        VERDICT, results=(GateResult("docs", GateState.RAN, (replace(DOCS, path=path),)),)
    )
    (result,) = orjson.loads(sarif(verdict))["runs"][0]["results"]
    assert result["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": path}}}]


def test_junit_has_one_case_a_gate():
    suite = ET.fromstring(junit(VERDICT))
    assert (suite.tag, suite.attrib) == (
        "testsuite",
        {"name": "trimtab gates", "tests": "4", "failures": "1"},
    )
    assert [(case.tag, case.attrib) for case in suite] == [
        ("testcase", {"classname": "gates", "name": name})
        for name in ("schema", "drift", "datasets", "docs")
    ]
    said = [[(child.tag, child.attrib, child.text) for child in case] for case in suite]
    assert said == [
        [
            (
                "failure",
                {"message": "❌ Schema validation failed"},
                "[critical] $.results[0].accuracy: Value out of range: 1.2 -> Give a fraction.",
            )
        ],
        [
            (
                "system-out",
                {},
                "[warning] logs/run.jsonl: Slower than the baseline: 26 % -> Profile it.",
            )
        ],
        [("skipped", {"message": "there are no datasets"}, None)],
        [
            (
                "system-out",
                {},
                "[low] docs/guide.md:7: Broken link: a|b\nc -> Correct the link.",
            )
        ],
    ]


def test_junit_drops_what_xml_cannot_hold():
    hostile = "\x00\x08\x1f\t\n ~\ud7ff\ue000\ufffd\ufffe\uffff\U00010000\U0010ffff"
    found = replace(SCHEMA, message=hostile)
    verdict = replace(VERDICT, results=(GateResult("schema", GateState.RAN, (found,)),))
    (text,) = [node.text for node in ET.fromstring(junit(verdict)).iter("failure")]
    assert "accuracy: \t\n ~\ud7ff\ue000\ufffd\U00010000\U0010ffff -> " in text


def test_the_page_of_a_pipeline_lists_gates_and_findings():
    assert markdown(VERDICT).splitlines() == [
        "# ❌ report.json: block",
        "",
        "| Gate | Result | Findings |",
        "|---|---|---|",
        "| schema | block | 1 |",
        "| drift | review | 1 |",
        "| datasets | skipped: there are no datasets | 0 |",
        "| docs | pass | 1 |",
        "",
        "| Severity | What | Where | Fix | Team | Response | Resolution |",
        "|---|---|---|---|---|---|---|",
        "| critical | Value out of range: 1.2 | $.results[0].accuracy | Give a fraction. | @schema-team | Immediate | < 30 minutes |",
        "| warning | Slower than the baseline: 26 % | logs/run.jsonl | Profile it. | @maintainers | 1 hour | < 4 hours |",
        "| low | Broken link: a\\|b c | docs/guide.md:7 | Correct the link. | Documentation team | Next sprint | < 1 day |",
        "",
        "Policy `gates.yaml` (bbbbbbbbbbbb), 2026-01-05T12:00:00Z, report `aaaaaaaaaaaa`.",
    ]


@pytest.mark.parametrize(
    ("outcome", "icon"),
    [
        (GateOutcome.PASS, "✅"),
        (GateOutcome.REVIEW, "⚠️"),
        (GateOutcome.BLOCK, "❌"),
        (GateOutcome.UNKNOWN, "❔"),
    ],
)
def test_a_page_without_findings_has_no_table_of_them(outcome, icon):
    page = markdown(replace(VERDICT, outcome=outcome, results=()))
    assert page.startswith(f"# {icon} report.json: {outcome.value}\n")
    assert "Severity" not in page


def test_a_verdict_is_signed_into_the_project_where_a_key_can_sign(world, tmp_path):
    signed = store_verdict(VERDICT, world.project, world.report_path)
    opened = world.ring().open((world.root / "verdict.dsse.json").read_bytes())
    assert signed == {
        "keyid": opened.keyid, "signer": opened.signer, "envelope": "verdict.dsse.json",
    }  # fmt: skip
    (world.root / "verdict.dsse.json").unlink()
    keyless = replace(world.project, keyring=tmp_path / "none")
    assert store_verdict(VERDICT, keyless, world.report_path) is None
    assert not (world.root / "verdict.dsse.json").exists()
