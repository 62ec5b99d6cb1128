"""Plausibility gate: checks that the reported numbers are possible.

Threat: a lucky or invented number, a percentage passed as a count, a benchmark run twice over half
of its samples. How: limits (floor and ceiling of the benchmark, in standard errors at the stated
sample count), whole numbers (a fraction of n right answers is some k / n), and the stated standard
error compared with the one from p and n. Limits: a false number inside the limits with a possible
fraction passes; the log and the second run detect it.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from trimtab.gates.case import UNUSABLE, Case
from trimtab.gates.codes import finding
from trimtab.gates.policy import GatePolicy
from trimtab.gates.records import Finding, GateResult, GateState
from trimtab.gates.windows import Window, window_of

STDERR_SLACK = 0.05
"""Tools divide by n or by n - 1, and round."""
WHOLE = 0.9
"""A run with fewer than this share of a benchmark's samples is a part of it."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Plausible accuracy of a benchmark at a sample count."""

    low: float
    high: float
    window: Window


def standard_error(p: float, n: int) -> float:
    """Return the standard error of a proportion, sqrt(p (1 - p) / n)."""
    return math.sqrt(max(p * (1 - p), 0.0) / n)


def known_window(name: str, policy: GatePolicy) -> Window | None:
    """Return the benchmark's window, with the policy's changes."""
    own = policy.plausibility.windows.get(name)
    known = window_of(name)
    if own is None:
        return known
    start = known or Window(None, 0.0, 1.0, "policy")
    return replace(start, **dict(own))


def bounds(name: str, samples: int, policy: GatePolicy) -> Bounds | None:
    """Return the plausible accuracy at a sample count; None for unknown benchmarks."""
    window = known_window(name, policy)
    if window is None:
        return None
    z = policy.plausibility.z
    low = max(0.0, window.floor - z * standard_error(window.floor, samples))
    # At a ceiling of 1 the error vanishes; half a sample keeps a perfect score on a tiny set
    # plausible.
    high = min(1.0, window.best + z * standard_error(window.best, samples) + 0.5 / samples)
    return Bounds(low, high, window)


def check(case: Case) -> GateResult:
    """Check the numbers of every result."""
    if case.report is None:
        return GateResult("plausibility", GateState.SKIPPED, reason=UNUSABLE)
    found: list[Finding] = []
    known = 0
    for index, result in enumerate(case.results()):
        path = f"$.results[{index}]"
        known += known_window(_benchmark(result), case.policy) is not None
        found += [
            *_walls(case, result, path),
            *_whole_numbers(result, path),
            *_stderr(result, path),
        ]
    return GateResult("plausibility", GateState.RAN, tuple(found), {"known_benchmarks": known})


def _benchmark(result: Mapping[str, Any]) -> str:
    return str(result.get("benchmark", result["name"]))


def _walls(case: Case, result: Mapping[str, Any], path: str) -> Iterator[Finding]:
    name, samples, accuracy = _benchmark(result), result["samples_processed"], result["accuracy"]
    edges = bounds(name, samples, case.policy)
    if edges is None:
        if accuracy == 1.0 and samples >= 100 and result.get("measure") != "derived":
            yield finding(
                "plausibility.too_good",
                f"{path}.accuracy",
                f"{name}: every one of {samples} answers is right",
            )
        return
    total = edges.window.samples
    if total is not None and samples > total:
        yield finding(
            "plausibility.too_many_samples",
            f"{path}.samples_processed",
            f"{name}: {samples}, the benchmark has {total}",
        )
    if total is not None and samples < WHOLE * total and result["status"] == "PASS":
        yield finding(
            "plausibility.too_few_samples",
            f"{path}.samples_processed",
            f"{name}: {samples} of {total}, and the status is PASS",
        )
    if result.get("measure") == "derived" or result["status"] == "ERROR":
        return
    if accuracy < edges.low:
        yield finding(
            "plausibility.below_chance",
            f"{path}.accuracy",
            f"{name}: {accuracy:g}, at {samples} samples at least {edges.low:.4f} is plausible",
        )
    elif accuracy > edges.high:
        yield finding(
            "plausibility.too_good",
            f"{path}.accuracy",
            f"{name}: {accuracy:g}, at {samples} samples at most {edges.high:.4f} is plausible"
            f" ({edges.window.source})",
        )


def _whole_numbers(result: Mapping[str, Any], path: str) -> Iterator[Finding]:
    """Yield a finding for an impossible fraction (GRIM test).

    The accuracy must be k / n for an integer k, within the precision of the written decimals.
    """
    if result.get("measure") != "proportion":
        return
    samples, accuracy = result["samples_processed"], float(result["accuracy"])
    # The billionth covers rounding errors: 1 of 16 may be written 0.062, which is exactly at the
    # limit.
    slack = samples * (0.5 * 10.0 ** -_decimals(accuracy) + 1e-9)
    right = accuracy * samples
    if slack < 0.25 and abs(right - round(right)) > slack:
        detail = f"{accuracy!r} of {samples} samples would be {right:.4f} right answers"
        yield finding("plausibility.impossible_fraction", f"{path}.accuracy", detail)


def _decimals(value: float) -> int:
    text = repr(value)
    if "e" in text:
        return 15
    return len(text.partition(".")[2])


def _stderr(result: Mapping[str, Any], path: str) -> Iterator[Finding]:
    if result.get("measure") != "proportion" or "stderr" not in result:
        return
    samples, accuracy, stated = result["samples_processed"], result["accuracy"], result["stderr"]
    expected = standard_error(accuracy, max(samples - 1, 1))
    if abs(stated - expected) > STDERR_SLACK * expected + 1e-9:
        yield finding(
            "plausibility.stderr_mismatch",
            f"{path}.stderr",
            f"{stated:g}, accuracy and samples give {expected:g}",
        )
