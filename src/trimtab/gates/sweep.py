"""The seven immediate diagnostics of the runbook as one sweep."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from trimtab.gates import datasets, drift
from trimtab.gates.case import Case, Project
from trimtab.gates.evidence_files import read_evidence, read_text
from trimtab.gates.policy import Policy, load_policy
from trimtab.gates.records import Finding, GateState, Outcome, outcome_of
from trimtab.gates.run import Request, run
from trimtab.gates.schema import CURRENT, available, check_document, check_report
from trimtab.gates.selftest import run_selftest
from trimtab.gates.supply_chain import environment, verify_sbom
from trimtab.kernel.clock import Clock

TIMEOUT_S = 1800


@dataclass(frozen=True, slots=True)
class SweepRow:
    """One diagnostic."""

    name: str
    ok: bool
    detail: str
    command: str
    """How to run it alone."""


def sweep(
    project: Project, clock: Clock, *, progress: Callable[[str], None] = lambda _: None
) -> tuple[SweepRow, ...]:
    """Run every diagnostic, also after one has failed, and return them in the runbook's order."""
    policy = load_policy(project.policy) if project.policy.is_file() else Policy()
    report = project.root / "benchmark_report.json"
    raw = read_evidence(report) if report.is_file() else b""
    checked = check_report(raw) if raw else None
    case = Case(project, policy, clock, raw=raw, report=checked.report if checked else None)
    steps: tuple[tuple[str, str, Callable[[], tuple[bool, str]]], ...] = (
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
        ok, detail = step()
        rows.append(SweepRow(name, ok, detail, command))
    return tuple(rows)


def _make(project: Project, target: str, gates: tuple[str, ...]) -> tuple[bool, str]:
    """Run a make target if the project has it; otherwise the self-test of these gates (all, if empty)."""
    makefile = project.root / "Makefile"
    if makefile.is_file() and f"\n{target}:" in "\n" + read_text(makefile):
        done = subprocess.run(  # noqa: S603 - a fixed program, no shell.
            ["make", "-C", str(project.root), target],  # noqa: S607 - make is wherever PATH has it.
            capture_output=True,
            check=False,
            timeout=TIMEOUT_S,
        )
        return done.returncode == 0, f"make {target} ended with {done.returncode}"
    outcome = run_selftest(gates=gates)
    return outcome.sound, f"self-test: {outcome.killed} killed, {outcome.survived} survived"


def _schemas() -> tuple[bool, str]:
    known = [(kind, version) for kind in CURRENT for version in available(kind)]
    broken = [
        f"{kind} {version}" for kind, version in known if not check_document(kind, {}, version)
    ]
    return not broken, f"{len(known)} schemas{': broken ' + ', '.join(broken) if broken else ''}"


def _datasets(case: Case) -> tuple[bool, str]:
    result = datasets.check(case)
    if result.state is GateState.SKIPPED:
        return True, result.reason
    return _said(result.findings, f"{len(case.project.dataset_names())} datasets")


def _drift(case: Case) -> tuple[bool, str]:
    result = drift.check(case)
    return (
        (True, result.reason)
        if result.state is GateState.SKIPPED
        else _said(result.findings, "no drift")
    )


def _permissions(project: Project) -> tuple[bool, str]:
    wrong = datasets.wrong_permissions(project.datasets)
    return not wrong, f"{len(wrong)} wrong"


def _sbom(project: Project, policy: Policy) -> tuple[bool, str]:
    installed = environment(project.root, policy.supply_chain.site)
    return _said(verify_sbom(project, installed), "as listed")


def _everything(project: Project, clock: Clock, *, has_report: bool) -> tuple[bool, str]:
    ok, detail = _make(project, "test-all", ())
    if not ok or not has_report:
        return ok, detail
    verdict = run(Request(project.root, project.root / "benchmark_report.json"), clock)
    return verdict.outcome is not Outcome.BLOCK, f"{detail}; verdict {verdict.outcome.value}"


def _said(found: tuple[Finding, ...], good: str) -> tuple[bool, str]:
    if outcome_of(found) is Outcome.BLOCK:
        return False, f"{len(found)} findings, first: {found[0].message}"
    return True, good if not found else f"{len(found)} findings to review"
