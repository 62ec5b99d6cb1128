"""Signals of the last verdict by gate, failure type and code."""

from collections import Counter
from collections.abc import Iterable

from trimtab.gates.alerts import raises_alert
from trimtab.gates.codes import CODES
from trimtab.gates.monitor import GateMonitor
from trimtab.gates.records import Failure, GateOutcome
from trimtab.kernel.operable import Sample, Signal

_LEVEL = {
    GateOutcome.PASS: 0.0,
    GateOutcome.REVIEW: 1.0,
    GateOutcome.BLOCK: 2.0,
    GateOutcome.UNKNOWN: 3.0,
}


def signals(monitor: GateMonitor) -> tuple[Signal, ...]:
    """Return all signals of the gates, empty before the first verdict."""
    return (
        Signal(
            "gates.outcome",
            "1",
            "What each gate said last: 0 pass, 1 review, 2 block; `all` is the verdict, 3 when it"
            " is unknown.",
            lambda: _outcomes(monitor),
            labels=("gate",),
        ),
        Signal(
            "gates.verdict.age_seconds",
            "seconds",
            "Time since the project was last judged; no samples where none is watched.",
            lambda: _age(monitor),
        ),
        Signal(
            "gates.failures",
            "findings",
            "Findings of the last verdict by type of failure; notes only about documentation.",
            lambda: _failures(monitor),
            labels=("failure",),
        ),
        Signal(
            "gates.found",
            "findings",
            "Findings of the last verdict by code.",
            lambda: _found(monitor),
            labels=("code",),
        ),
    )


def _outcomes(monitor: GateMonitor) -> Iterable[Sample]:
    verdict = monitor.verdict
    if verdict is None:
        return
    yield Sample(_LEVEL[verdict.outcome], {"gate": "all"})
    for result in verdict.results:
        yield Sample(_LEVEL[result.outcome], {"gate": result.gate})


def _age(monitor: GateMonitor) -> Iterable[Sample]:
    age = monitor.age_seconds
    if age is not None:
        yield Sample(age, {})


def _failures(monitor: GateMonitor) -> Iterable[Sample]:
    verdict = monitor.verdict
    if verdict is None:
        return
    counts = Counter(found.failure for found in verdict.findings if raises_alert(found))
    for failure in Failure:
        yield Sample(float(counts[failure]), {"failure": failure.value})


def _found(monitor: GateMonitor) -> Iterable[Sample]:
    if monitor.verdict is None:
        return
    counts = monitor.counts
    for code in CODES:
        yield Sample(float(counts[code]), {"code": code})
