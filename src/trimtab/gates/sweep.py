"""Runs the seven immediate diagnostics of the runbook."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trimtab.gates import datasets, drift
from trimtab.gates.case import Case, Project
from trimtab.gates.evidence_files import read_evidence, read_text
from trimtab.gates.policy import GatePolicy, load_policy
from trimtab.gates.records import Finding, GateOutcome, GateState, outcome_of
from trimtab.gates.run import Request, run
from trimtab.gates.schema import CURRENT, available, check_document, check_report
from trimtab.gates.selftest import run_selftest
from trimtab.gates.supply_chain import environment, verify_sbom
from trimtab.kernel.clock import Clock

TIMEOUT_S = 1800
StepResult = tuple[GateOutcome, str]
"""Outcome and details of a diagnostic."""
_BY_SEVERITY = (GateOutcome.PASS, GateOutcome.REVIEW, GateOutcome.UNKNOWN, GateOutcome.BLOCK)


@dataclass(frozen=True, slots=True)
class SweepRow:
    """Result of one diagnostic."""

    name: str
    outcome: GateOutcome
    """Unknown without evidence, which is not a pass."""
    detail: str
    command: str
    """Command that runs this diagnostic alone."""

    @property
    def ok(self) -> bool:
        """Return whether the diagnostic passed, possibly with findings to review."""
        return self.outcome in (GateOutcome.PASS, GateOutcome.REVIEW)


def sweep(
    project: Project, clock: Clock, *, progress: Callable[[str], None] = lambda _: None
) -> tuple[SweepRow, ...]:
    """Run all diagnostics, even after failures, in the runbook's order."""
    policy = load_policy(project.policy) if project.policy.is_file() else GatePolicy()
    report = project.root / "benchmark_report.json"
    raw = read_evidence(report) if report.is_file() else b""
    checked = check_report(raw) if raw else None
    case = Case(project, policy, clock, raw=raw, report=checked.report if checked else None)
    steps: tuple[tuple[str, str, Callable[[], StepResult]], ...] = (
        ("overall health", "make test-short", lambda: _make(project, "test-short", ("schema",))),
        ("schemas", "trimtab gates schemas", _schemas),
        ("datasets", "trimtab gates datasets", lambda: _datasets(case)),
        ("drift", "trimtab gates drift -r benchmark_report.json --quiet", lambda: _drift(case)),
        ("permissions", "trimtab gates permissions", lambda: _permissions(project)),
        ("bill of materials", "trimtab gates sbom --verify", lambda: _sbom(project, policy)),
        (
            "full system check",
            "make test-all",
            lambda: _everything(project, clock, has_report=bool(raw)),
        ),
    )
    rows = []
    for name, command, step in steps:
        progress(name)
        outcome, detail = _run_step(step)
        rows.append(SweepRow(name, outcome, detail, command))
    return tuple(rows)


def _run_step(step: Callable[[], StepResult]) -> StepResult:
    """Run a diagnostic; return an exception as a blocking result."""
    try:
        return step()
    except Exception as error:  # noqa: BLE001 - damaged evidence may raise anything.
        return GateOutcome.BLOCK, f"{type(error).__name__}: {str(error)[:200]}"


def _pass_or_block(good: bool) -> GateOutcome:
    return GateOutcome.PASS if good else GateOutcome.BLOCK


def _make(project: Project, target: str, gates: tuple[str, ...]) -> StepResult:
    """Run a make target, or without one the self-test."""
    makefile = project.root / "Makefile"
    if makefile.is_file() and f"\n{target}:" in "\n" + read_text(makefile):
        done = subprocess.run(  # noqa: S603 - a fixed program, no shell.
            ["make", "-C", str(project.root), target],  # noqa: S607 - make is wherever PATH has it.
            capture_output=True,
            check=False,
            timeout=TIMEOUT_S,
            env=_environment(),
        )
        return _pass_or_block(done.returncode == 0), f"make {target} ended with {done.returncode}"
    outcome = run_selftest(gates=gates)
    return _pass_or_block(
        outcome.sound
    ), f"self-test: {outcome.killed} killed, {outcome.survived} survived"


def _environment() -> dict[str, str]:
    """Return an environment where make finds this installation's `trimtab`."""
    own = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", os.defpath)  # noqa: TID251 - handed on to make.
    return {**os.environ, "PATH": f"{own}{os.pathsep}{path}"}  # noqa: TID251 - handed on to make.


def _schemas() -> StepResult:
    known = [(kind, version) for kind in CURRENT for version in available(kind)]
    broken = [
        f"{kind} {version}" for kind, version in known if not check_document(kind, {}, version)
    ]
    return _pass_or_block(
        not broken
    ), f"{len(known)} schemas{': broken ' + ', '.join(broken) if broken else ''}"


def _datasets(case: Case) -> StepResult:
    result = datasets.check(case)
    if result.state is GateState.SKIPPED:
        return GateOutcome.UNKNOWN, f"{result.reason}: cannot judge"
    return _summarize(result.findings, f"{len(case.project.dataset_names())} datasets")


def _drift(case: Case) -> StepResult:
    if not case.raw:
        return GateOutcome.UNKNOWN, "there is no report: cannot judge"
    result = drift.check(case)
    if result.state is not GateState.RAN:
        return GateOutcome.UNKNOWN, result.reason
    return _summarize(result.findings, "no drift")


def _permissions(project: Project) -> StepResult:
    if not project.dataset_names():
        return GateOutcome.UNKNOWN, "there is no dataset: cannot judge"
    wrong = datasets.wrong_permissions(project.datasets)
    return _pass_or_block(not wrong), f"{len(wrong)} wrong"


def _sbom(project: Project, policy: GatePolicy) -> StepResult:
    installed = environment(project.root, policy.supply_chain.site)
    return _summarize(verify_sbom(project, installed), "as listed")


def _everything(project: Project, clock: Clock, *, has_report: bool) -> StepResult:
    outcome, detail = _make(project, "test-all", ())
    if not has_report:
        return outcome, detail
    verdict = run(
        Request(project.root, project.root / "benchmark_report.json", keyring=project.keyring),
        clock,
    )
    return max(outcome, verdict.outcome, key=_BY_SEVERITY.index), (
        f"{detail}; verdict {verdict.outcome.value}"
    )


def _summarize(found: tuple[Finding, ...], good: str) -> StepResult:
    outcome = outcome_of(found)
    if outcome is GateOutcome.BLOCK:
        return outcome, f"{len(found)} findings, first: {found[0].message}"
    return outcome, good if not found else f"{len(found)} findings to review"
