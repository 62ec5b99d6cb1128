"""Runs all gates on a project and returns the verdict."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trimtab.gates import benchmark, datasets, docs_gate, drift, plausibility, process, supply_chain
from trimtab.gates.case import UNUSABLE, Case, Project
from trimtab.gates.codes import finding
from trimtab.gates.errors import EvidenceMissing
from trimtab.gates.evidence_files import read_evidence
from trimtab.gates.policy import GATES, GatePolicy, load_policy
from trimtab.gates.records import (
    Finding,
    GateOutcome,
    GateResult,
    GateState,
    GateVerdict,
    outcome_of,
)
from trimtab.gates.schema import check_report
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.ids import sha256_hex

_log = logging.getLogger(__name__)
Gate = Callable[[Case], GateResult]
Progress = Callable[[str], None]

CHECKS: Mapping[str, Gate] = {
    "datasets": datasets.check,
    "benchmark": benchmark.check,
    "plausibility": plausibility.check,
    "drift": drift.check,
    "supply_chain": supply_chain.check,
    "docs": docs_gate.check,
    "process": process.check,
}


@dataclass(frozen=True, slots=True)
class Request:
    """Request to run the gates on a project and its report.

    Without a ``report`` only the gates run that do not need one (a repository without a benchmark).
    """

    root: Path
    report: Path | None
    policy: GatePolicy | None = None
    """None uses the project's ``gates.yaml``, or the defaults."""
    policy_name: str = ""
    keyring: Path | None = None
    """The folder of trusted keys; None for the user's own."""
    only: tuple[str, ...] = GATES
    commands: frozenset[str] | None = None
    change: Mapping[str, Any] | None = None


def run(request: Request, clock: Clock, *, progress: Progress = lambda _: None) -> GateVerdict:
    """Run the requested gates and return the verdict.

    Args:
        request: The project, the report and the gates.
        clock: Source of the verdict's timestamp and of the age of evidence.
        progress: Called with the name of each gate before it runs.

    Raises:
        EvidenceMissing: The report does not exist.
        PolicyWrong: The project's policy cannot be read.
    """
    project = Project(request.root, request.keyring)
    policy, policy_name = _policy(request, project)
    raw = _raw(request)
    case = Case(
        project=project,
        policy=policy,
        clock=clock,
        raw=raw,
        report_name=request.report.name if request.report else "",
        commands=request.commands,
        change=request.change or {},
    )
    results = _results(case, request, progress)
    return GateVerdict(
        outcome=_outcome(results, policy),
        subject=request.report.name if request.report else project.root.resolve().name,
        subject_sha256=sha256_hex(raw),
        policy=policy_name,
        policy_sha256=policy.sha256(),
        at=clock.now().isoformat(timespec="seconds").replace("+00:00", "Z"),
        results=tuple(results),
    )


def _policy(request: Request, project: Project) -> tuple[GatePolicy, str]:
    if request.policy is not None:
        return request.policy, request.policy_name or "given"
    if project.policy.is_file():
        return load_policy(project.policy), project.policy.name
    return GatePolicy(), "default"


def _raw(request: Request) -> bytes:
    if request.report is None:
        return b""
    if not request.report.is_file():
        raise EvidenceMissing(
            f"There is no report {request.report.name}.",
            hint=(
                "Give the path of a benchmark report; `trimtab gates import` makes one from other"
                " tools' results."
            ),
        )
    return read_evidence(request.report)


def _results(case: Case, request: Request, progress: Progress) -> Sequence[GateResult]:
    results = []
    if "schema" in request.only:
        progress("schema")
        result, case = _schema(case, has_report=request.report is not None)
        results.append(_required(result, case.policy))
    elif request.report is not None:
        case = _schema(case, has_report=True)[1]
    for name, check in CHECKS.items():
        if name in request.only:
            progress(name)
            results.append(_required(judge(name, check, case), case.policy))
    return results


def judge(name: str, check: Gate, case: Case) -> GateResult:
    """Run one gate; an exception becomes a blocking finding.

    Fail closed: hostile or damaged evidence may raise anything (a text that is not UTF-8, nesting
    that exhausts the stack, a file that vanishes), and evidence that cannot be checked must never
    result in an older or better verdict.
    """
    try:
        return check(case)
    except Exception as error:  # noqa: BLE001 - any error blocks the gate.
        _log.warning("the %s gate failed", name, exc_info=True)
        return GateResult(name, GateState.MISSING, (_not_judged(name, error),))


def _not_judged(name: str, error: Exception) -> Finding:
    if isinstance(error, TrimtabError):
        return replace(
            finding("gates.gate_failed", error.code, error.message, fix=error.hint()), gate=name
        )
    detail = f"the {name} gate stopped with {type(error).__name__}: {str(error)[:200]}"
    return replace(finding("gates.gate_failed", name, detail), gate=name)


def _schema(case: Case, *, has_report: bool) -> tuple[GateResult, Case]:
    if not has_report:
        return GateResult("schema", GateState.SKIPPED, reason="there is no report"), case
    reports: list[Mapping[str, Any] | None] = []

    def check(case: Case) -> GateResult:
        checked = check_report(case.raw)
        reports.append(checked.report)
        return GateResult(
            "schema", GateState.RAN, checked.findings, {"schema_version": checked.version}
        )

    result = judge("schema", check, case)
    return result, replace(case, report=reports[0] if reports else None)


def _required(result: GateResult, policy: GatePolicy) -> GateResult:
    """Make a skipped gate blocking if the policy requires its evidence."""
    if result.state is not GateState.SKIPPED or result.gate not in policy.require:
        return result
    if result.reason == UNUSABLE:
        # The schema gate already blocks with the reason; a second finding would hide it.
        return replace(result, state=GateState.MISSING)
    missing = finding(
        "gates.no_evidence", result.gate, f"the {result.gate} gate is required, but {result.reason}"
    )
    missing = replace(missing, gate=result.gate)
    return replace(result, state=GateState.MISSING, findings=(missing, *result.findings))


def _outcome(results: Sequence[GateResult], policy: GatePolicy) -> GateOutcome:
    found: tuple[Finding, ...] = tuple(f for result in results for f in result.findings)
    outcome = outcome_of(found)
    if outcome is GateOutcome.REVIEW and policy.warnings_block:
        return GateOutcome.BLOCK
    # Without a gate that ran there is no evidence for a pass.
    judged = any(result.state is GateState.RAN for result in results)
    return outcome if judged or outcome is GateOutcome.BLOCK else GateOutcome.REVIEW
