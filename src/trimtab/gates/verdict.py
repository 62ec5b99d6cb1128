"""Formats a verdict as JSON, signed envelope, SARIF, JUnit and Markdown."""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

import orjson

from trimtab.gates.matrix import HANDLING, clocks
from trimtab.gates.records import (
    Failure,
    Finding,
    GateOutcome,
    GateResult,
    GateState,
    GateVerdict,
    Severity,
)
from trimtab.gates.signing import KeyRing, statement

SUMMARY_TYPE = "https://slsa.dev/verification_summary/v1"
VERIFIER = "urn:trimtab:gates"
EXIT_CODES = {
    GateOutcome.PASS: 0,
    GateOutcome.BLOCK: 1,
    GateOutcome.REVIEW: 3,
    GateOutcome.UNKNOWN: 3,
}
"""Exit code 2 is wrong use; 3 needs a person, because of a warning or missing evidence."""


_ICONS = {
    GateOutcome.PASS: "✅",
    GateOutcome.REVIEW: "⚠️",
    GateOutcome.BLOCK: "❌",
    GateOutcome.UNKNOWN: "❔",
}
_HEADLINES = {
    failure: HANDLING[failure].headline
    for failure in (Failure.SCHEMA, Failure.DATASET, Failure.BENCHMARK)
}
"""The failure types whose gate has a headline of its own in the runbook."""


def finding_document(found: Finding) -> dict[str, Any]:
    """Return a finding as JSON, with deadlines, escalation and guide."""
    handling = HANDLING[found.failure]
    by_when = clocks(found.failure, found.severity)
    return {
        "gate": found.gate,
        "code": found.code,
        "severity": found.severity.value,
        "path": found.path,
        "message": found.message,
        "fix": found.fix,
        "team": found.team,
        "blocks": found.severity is Severity.CRITICAL,
        "response": by_when.response,
        "resolution": by_when.resolution,
        "escalation": by_when.escalation,
        "contact_sla": handling.contact_sla,
        "guide": handling.guide,
    }


def document(verdict: GateVerdict, signed: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the verdict as JSON (schemas/verdict-1.0.json)."""
    return {
        "schema_version": "1.0",
        "verdict": verdict.outcome.value,
        "subject": verdict.subject,
        "subject_sha256": verdict.subject_sha256,
        "policy": verdict.policy,
        "policy_sha256": verdict.policy_sha256,
        "at": verdict.at,
        "gates": [_gate_document(result) for result in verdict.results],
        "findings": [finding_document(found) for found in verdict.findings],
        "signed": dict(signed) if signed else None,
    }


def _gate_document(result: GateResult) -> dict[str, Any]:
    row: dict[str, Any] = {
        "gate": result.gate,
        "state": result.state.value,
        "outcome": result.outcome.value,
    }
    line = headline(result)
    if line:
        row["headline"] = line
    if result.reason:
        row["reason"] = result.reason
    if result.facts:
        row["facts"] = dict(result.facts)
    return row


def headline(result: GateResult) -> str:
    """Return the runbook's headline of a failed gate; empty on success."""
    worst = [f for f in result.findings if f.severity is Severity.CRITICAL]
    worst = worst or [f for f in result.findings if f.severity is Severity.WARNING]
    if not worst:
        return ""
    first = worst[0]
    words = first.message.partition(":")[0]
    if words.startswith(("❌", "⚠️")):
        return words
    if first.severity is Severity.CRITICAL:
        return _HEADLINES.get(first.failure, f"❌ {words}")
    return f"⚠️ {words}"


def sign(verdict: GateVerdict, ring: KeyRing) -> bytes:
    """Return the verdict in a signed envelope, with a SLSA verification summary.

    Raises:
        KeyMissing: There is no private key.
    """
    predicate = {
        "verifier": {"id": VERIFIER},
        "timeVerified": verdict.at,
        "resourceUri": verdict.subject,
        "policy": {"uri": verdict.policy, "digest": {"sha256": verdict.policy_sha256}},
        "verificationResult": "PASSED" if verdict.outcome is GateOutcome.PASS else "FAILED",
        "verdict": document(verdict),
    }
    return ring.sign(statement({verdict.subject: verdict.subject_sha256}, SUMMARY_TYPE, predicate))


def sarif(verdict: GateVerdict) -> bytes:
    """Return the findings as SARIF 2.1.0."""
    levels = {Severity.CRITICAL: "error", Severity.WARNING: "warning", Severity.LOW: "note"}
    rules = {
        f.code: {
            "id": f.code,
            "shortDescription": {"text": f.message.partition(":")[0]},
            "help": {"text": f.fix},
        }
        for f in verdict.findings
    }
    results = [
        {
            "ruleId": found.code,
            "level": levels[found.severity],
            "message": {"text": f"{found.message}. {found.fix}"},
            "locations": [_location(found, verdict.subject)],
        }
        for found in verdict.findings
    ]
    run = {
        "tool": {"driver": {"name": "trimtab gates", "rules": list(rules.values())}},
        "results": results,
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return orjson.dumps(
        {"$schema": schema, "version": "2.1.0", "runs": [run]}, option=orjson.OPT_INDENT_2
    )


def _location(found: Finding, subject: str) -> dict[str, Any]:
    in_report = found.path.startswith("$")
    path, _, line = found.path.rpartition(":")
    numbered = bool(path) and line.isdigit()
    uri = subject if in_report else (path if numbered else found.path)
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if numbered and not in_report:
        physical["region"] = {"startLine": int(line)}
    location: dict[str, Any] = {"physicalLocation": physical}
    if in_report:
        location["logicalLocations"] = [{"fullyQualifiedName": found.path}]
    return location


def junit(verdict: GateVerdict) -> bytes:
    """Return a JUnit test suite with a test case for each gate.

    Critical findings are failures; skipped gates are skipped tests.
    """
    suite = ET.Element("testsuite", name="trimtab gates", tests=str(len(verdict.results)))
    failures = 0
    for result in verdict.results:
        case = ET.SubElement(suite, "testcase", classname="gates", name=result.gate)
        if result.state is GateState.SKIPPED:
            ET.SubElement(case, "skipped", message=result.reason)
        text = "\n".join(
            f"[{f.severity}] {f.path}: {f.message} -> {f.fix}" for f in result.findings
        )
        if result.outcome is GateOutcome.BLOCK:
            failures += 1
            ET.SubElement(case, "failure", message=headline(result)).text = _printable(text)
        elif text:
            ET.SubElement(case, "system-out").text = _printable(text)
    suite.set("failures", str(failures))
    rendered: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return rendered


def _printable(text: str) -> str:
    """Remove characters that XML 1.0 forbids; findings quote untrusted input."""
    return "".join(
        c
        for c in text
        if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
    )


def markdown(verdict: GateVerdict) -> str:
    """Return the Markdown summary for a pipeline."""
    icon = _ICONS[verdict.outcome]
    lines = [
        f"# {icon} {verdict.subject}: {verdict.outcome.value}",
        "",
        "| Gate | Result | Findings |",
        "|---|---|---|",
    ]
    for result in verdict.results:
        cell = (
            result.outcome.value
            if result.state is GateState.RAN
            else f"{result.state.value}: {result.reason}"
        )
        lines.append(f"| {result.gate} | {cell} | {len(result.findings)} |")
    if verdict.findings:
        lines += [
            "",
            "| Severity | What | Where | Fix | Team | Response | Resolution |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [_row(found) for found in verdict.findings]
    lines += [
        "",
        (
            f"Policy `{verdict.policy}` ({verdict.policy_sha256[:12]}), {verdict.at}, report"
            f" `{verdict.subject_sha256[:12]}`."
        ),
    ]
    return "\n".join(lines) + "\n"


def _row(found: Finding) -> str:
    shown = finding_document(found)
    cells = [
        shown[key]
        for key in ("severity", "message", "path", "fix", "team", "response", "resolution")
    ]
    return (
        "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
    )
