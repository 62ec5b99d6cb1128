"""Drift gate: compares the report with the golden baseline.

Threat: a slow decline that no single change explains, a regression among many results, a benchmark
that is missing from the report, a baseline replaced without approval. How: a difference counts when
it exceeds the sampling noise of both runs; inside the tolerance it is a warning, beyond it
critical. Limits: with few samples a large difference can be noise; it is then a warning, because
the data do not decide.
"""

import math
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from trimtab.gates.baseline import Approvals, read_baseline
from trimtab.gates.case import UNUSABLE, Case
from trimtab.gates.codes import finding
from trimtab.gates.policy import DriftPolicy
from trimtab.gates.records import Finding, GateResult, GateState

SPLIT_REPEATS = 3
"""From this many repetitions on both sides, durations are compared by their spread, not by a fixed
share.
"""


class Level(StrEnum):
    """Severity of a benchmark's change since the baseline."""

    SAME = "same"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class DriftRow:
    """Accuracy of a benchmark in the baseline and the report."""

    name: str
    baseline: float
    current: float
    noise: float
    """Half width of the sampling noise, absolute."""
    tolerance: float
    level: Level
    why: str

    @property
    def change(self) -> float:
        """Return the accuracy now minus the accuracy then."""
        return self.current - self.baseline


def compare(
    name: str, was: Mapping[str, Any], now: Mapping[str, Any], rules: DriftPolicy
) -> DriftRow:
    """Return the change of a benchmark's accuracy.

    The noise is z standard errors of the difference of two proportions, pooled
    (p (1 - p) (1/n1 + 1/n2)); for a mean of fractions that is an upper bound.
    """
    tolerance = rules.tolerances.get(name, rules.accuracy_tolerance)
    n1, n2 = was["samples_processed"], now["samples_processed"]
    pooled = (was["accuracy"] * n1 + now["accuracy"] * n2) / (n1 + n2)
    noise = rules.z * math.sqrt(max(pooled * (1 - pooled), 0.0) * (1 / n1 + 1 / n2))
    if now.get("measure") == "derived":
        noise = 0.0
    change = now["accuracy"] - was["accuracy"]
    level, why = _level(change, noise, tolerance)
    return DriftRow(name, was["accuracy"], now["accuracy"], noise, tolerance, level, why)


def _level(change: float, noise: float, tolerance: float) -> tuple[Level, str]:
    size = abs(change)
    if size > tolerance + 1e-12:
        if size <= noise:
            return Level.WARNING, "beyond tolerance, but too few samples to tell it from chance"
        return (Level.CRITICAL if change < 0 else Level.WARNING), "beyond tolerance"
    if size > noise and size > 1e-12:
        return Level.WARNING, "inside tolerance, more than chance explains"
    return Level.SAME, "chance explains it"


def check(case: Case) -> GateResult:
    """Compare the report with the current baseline."""
    if case.report is None:
        return GateResult("drift", GateState.SKIPPED, reason=UNUSABLE)
    if not case.project.baseline.is_file():
        if case.project.baseline_approval.is_file() or case.project.used_approvals.is_file():
            gone = finding(
                "drift.comparison_failed",
                "baseline/current/baseline_metrics.json",
                "the baseline was approved once, and is gone",
            )
            return GateResult("drift", GateState.RAN, (gone,))
        none = finding(
            "drift.no_baseline",
            "baseline/current/baseline_metrics.json",
            "nothing says what the results were",
        )
        return GateResult("drift", GateState.SKIPPED, (none,), reason="no baseline: cannot judge")
    baseline, found = read_baseline(case.project)
    if baseline is None:
        return GateResult("drift", GateState.RAN, found)
    approvals = Approvals(case.project, case.clock, pinned=case.policy.supply_chain.trusted_keys)
    found = (*found, *approvals.baseline_findings())
    rows = table(case, baseline)
    found = (*found, *_accuracy_findings(rows), *_other_findings(case, baseline))
    return GateResult(
        "drift",
        GateState.RAN,
        found,
        {"benchmarks": len(rows), "approved_by": approvals.baseline_signer() or "no trusted key"},
    )


def table(case: Case, baseline: Mapping[str, Any]) -> tuple[DriftRow, ...]:
    """Return a row for each benchmark in both, largest drop first."""
    was = baseline["benchmarks"]
    rows = [
        compare(result["name"], was[result["name"]], result, case.policy.drift)
        for result in case.results()
        if result["name"] in was
    ]
    return tuple(sorted(rows, key=lambda row: row.change))


def _accuracy_findings(rows: tuple[DriftRow, ...]) -> Iterator[Finding]:
    for row in rows:
        where = f"$.results.{row.name}.accuracy"
        detail = (
            f"{row.name} {row.baseline:.4f} -> {row.current:.4f} ({row.change:+.4f}, tolerance"
            f" {row.tolerance:g}, noise {row.noise:.4f}): {row.why}"
        )
        if row.level is Level.CRITICAL:
            yield finding("drift.critical", where, detail)
            yield finding("drift.accuracy_regression", where, detail)
        elif row.level is Level.WARNING:
            yield finding("drift.improvement" if row.change > 0 else "drift.warning", where, detail)


def _other_findings(case: Case, baseline: Mapping[str, Any]) -> Iterator[Finding]:
    was = baseline["benchmarks"]
    now = {result["name"]: result for result in case.results()}
    for name in sorted(set(was) - set(now)):
        yield finding(
            "drift.benchmark_dropped", "$.results", f"{name} is in the baseline, not in the report"
        )
    rules = case.policy.drift
    for name in sorted(set(was) & set(now)):
        yield from _slower(name, was[name], now[name], rules)
        peak_was, peak_now = was[name].get("peak_memory_mb"), now[name].get("peak_memory_mb")
        if peak_was and peak_now and peak_now > peak_was * (1 + rules.memory_tolerance):
            yield finding(
                "drift.memory",
                f"$.results.{name}.peak_memory_mb",
                f"{name} {peak_was:g} -> {peak_now:g} MB",
            )
        manifest = was[name].get("manifest_sha256")
        dataset = now[name].get("dataset", {}).get("manifest_sha256")
        if manifest and manifest != dataset:
            yield finding(
                "drift.data_changed",
                f"$.results.{name}.dataset",
                f"{name} was measured on other data than the baseline",
            )


def _slower(
    name: str, was: Mapping[str, Any], now: Mapping[str, Any], rules: DriftPolicy
) -> Iterator[Finding]:
    # Samples may differ between the runs: compare seconds a sample.
    per_was = was["duration_s"] / was["samples_processed"]
    per_now = now["duration_s"] / now["samples_processed"]
    growth = per_now / per_was - 1
    limit = rules.duration_tolerance
    spread = _spread(was.get("durations_s", []), now.get("durations_s", []))
    if spread is not None:
        limit = max(limit, rules.z * spread)
    if growth > limit:
        yield finding(
            "drift.slower",
            f"$.results.{name}.duration_s",
            f"{name} {growth:+.0%} a sample, the limit is {limit:+.0%}",
        )


def _spread(was: list[float], now: list[float]) -> float | None:
    """Return the log ratio's standard error; None for too few durations."""
    if min(len(was), len(now)) < SPLIT_REPEATS:
        return None
    variances = [
        statistics.variance([math.log(value) for value in side]) / len(side) for side in (was, now)
    ]
    return math.sqrt(sum(variances))
