"""Runs the gates on trimtab itself: self-test, packages and documentation.

The self-test is a benchmark: each corruption is a sample, "killed" is the right answer, the
structured logger writes the log, and the report passes through the same gates as any other. The
SBOM is created, signed with a temporary key and verified by recomputation; it contains the packages
that trimtab needs to run, not the development tools.
"""

import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from trimtab.gates.benchmark import BenchmarkLogger
from trimtab.gates.case import Case, Project
from trimtab.gates.datasets import hash_file
from trimtab.gates.errors import EvidenceUnreadable
from trimtab.gates.policy import GATES, GatePolicy, load_policy
from trimtab.gates.records import GateResult, GateVerdict, outcome_of
from trimtab.gates.run import Request, run
from trimtab.gates.schema.importers.imported import totals
from trimtab.gates.selftest import SelfTestResult, run_selftest
from trimtab.gates.signing import KeyRing
from trimtab.gates.supply_chain import Installed, make_sbom, sign_files
from trimtab.gates.supply_chain import check as check_supply_chain
from trimtab.kernel.clock import Clock

SUBJECT = "trimtab"
BENCHMARK = "gates-selftest"
_WINDOW = {
    "floor": 0.0,
    "best": 1.0,
    "source": "a gate that lets a known corruption through is broken",
}
_OF_THE_RELEASE = ("schema", "benchmark", "plausibility")
_OF_THE_TREE = ("docs", "process")


def judge_repository(
    root: Path,
    clock: Clock,
    *,
    commands: frozenset[str] | None = None,
    only: tuple[str, ...] = GATES,
    progress: Callable[[str], None] = lambda _: None,
) -> GateVerdict:
    """Return the verdict about a checkout of trimtab and its environment.

    Args:
        root: Folder of the checkout.
        clock: Source of the verdict's timestamp.
        commands: Existing commands, for the docs gate.
        only: Gates to run.
        progress: Called with the name of each step.
    """
    policy = load_policy(root / "gates.yaml") if (root / "gates.yaml").is_file() else GatePolicy()
    tree = run(
        Request(root, None, policy=replace(policy, require=("docs",)), policy_name="gates.yaml", only=_both(_OF_THE_TREE, only), commands=commands),
        clock, progress=progress,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="trimtab-release-") as folder:
        # The keys of this run are outside the release, because trust must not come from inside it.
        release = Project(Path(folder) / "release", Path(folder) / "keys")
        release.root.mkdir()
        progress("self-test")
        report = write_selftest_report(release.root, clock)
        strict = replace(
            policy,
            require=_OF_THE_RELEASE,
            benchmark=replace(policy.benchmark, require_log=True),
            plausibility=replace(policy.plausibility, windows={**policy.plausibility.windows, BENCHMARK: _WINDOW}),
        )  # fmt: skip
        gates = _both(_OF_THE_RELEASE, only)
        request = Request(release.root, report, policy=strict, keyring=release.keyring, only=gates)
        judged = run(request, clock, progress=progress)
        supply = (
            (_supply_chain(release, report, strict, clock, progress),)
            if "supply_chain" in only
            else ()
        )
    results = (*judged.results, *supply, *tree.results)
    found = tuple(entry for result in results for entry in result.findings)
    return replace(
        judged, subject=SUBJECT, policy=tree.policy, results=results, outcome=outcome_of(found)
    )


def _both(mine: tuple[str, ...], asked: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(gate for gate in mine if gate in asked)


def _supply_chain(
    release: Project,
    report: Path,
    policy: GatePolicy,
    clock: Clock,
    progress: Callable[[str], None],
) -> GateResult:
    progress("supply chain")
    installed = Installed().needed_by(SUBJECT)
    if not installed.packages:
        raise EvidenceUnreadable(
            "trimtab is not installed in this environment.", hint="Run `make env` first."
        )
    ring = KeyRing(release.keys, clock)
    ring.new("this run")
    release.sbom.write_bytes(orjson.dumps(make_sbom(release, installed, clock.now())))
    release.provenance.write_bytes(sign_files(release, [report, release.sbom], ring, clock.now()))
    return check_supply_chain(Case(release, policy, clock), installed=installed)


def write_selftest_report(
    folder: Path, clock: Clock, *, progress: Callable[[str], None] = lambda _: None
) -> Path:
    """Run the self-test as a benchmark; return the report's path."""
    with BenchmarkLogger(BENCHMARK, folder=folder / "logs", clock=clock) as log:
        log.start(seeds={"none": 0}, environment=ENVIRONMENT, compute_mode="cpu")
        outcome = run_selftest(progress=progress)
        for result in outcome.results:
            identifier = f"{result.gate}: {result.name}"
            log.sample(identifier)
            log.prediction(identifier, correct=result.killed)
        entry = log.result(status="PASS" if outcome.sound else "ERROR")
    report = folder / "benchmark_report.json"
    report.write_bytes(orjson.dumps(_report(entry, log.path, outcome), option=orjson.OPT_INDENT_2))
    return report


ENVIRONMENT: Mapping[str, str] = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
"""Any fixed values are correct: the self-test uses no random numbers and no numeric threads."""


def _report(entry: dict[str, Any], log: Path, outcome: SelfTestResult) -> dict[str, Any]:
    accuracy, samples = entry["accuracy"], entry["samples_processed"]
    result = {
        **entry,
        "stderr": math.sqrt(accuracy * (1 - accuracy) / (samples - 1)),
        "log": {"path": f"logs/{log.name}", "sha256": hash_file(log)},
    }
    return {
        "schema_version": "2.0",
        "name": SUBJECT,
        **totals([result]),
        "metrics": {"compute_mode": "cpu"},
        "results": [result],
        "seeds": {"none": 0},
        "environment": dict(ENVIRONMENT),
        "extra": {"survivors": [name for name, _ in outcome.survivors()]},
    }
