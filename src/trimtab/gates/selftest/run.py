"""Runs the corruptions and counts the undetected ones."""

import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trimtab.gates import benchmark, datasets, docs_gate, drift, plausibility, process, supply_chain
from trimtab.gates.records import GateResult, GateState, Severity
from trimtab.gates.schema import check_report
from trimtab.gates.selftest import drifts, imports, papers, reports, runs, stores, supplies
from trimtab.gates.selftest.corruption import Corruption
from trimtab.gates.selftest.sample_project import SampleProject, build_sample_project

ALL: tuple[Corruption, ...] = (
    *reports.CORRUPTIONS,
    *imports.CORRUPTIONS,
    *stores.CORRUPTIONS,
    *runs.CORRUPTIONS,
    *drifts.CORRUPTIONS,
    *supplies.CORRUPTIONS,
    *papers.CORRUPTIONS,
)
"""All known corruptions."""
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - only the parent of a folder that `tempfile` makes.
_CHECKS: dict[str, Callable[..., GateResult]] = {
    "datasets": datasets.check,
    "benchmark": benchmark.check,
    "plausibility": plausibility.check,
    "drift": drift.check,
    "docs": docs_gate.check,
    "process": process.check,
}


@dataclass(frozen=True, slots=True)
class CorruptionResult:
    """Result of one corruption."""

    gate: str
    name: str
    killed: bool
    detail: str
    """The codes that appeared."""


@dataclass(frozen=True, slots=True)
class SelfTestResult:
    """Result of the self-test."""

    results: tuple[CorruptionResult, ...]
    false_alarms: tuple[str, ...]
    """Findings on the valid evidence, which should have none."""

    @property
    def killed(self) -> int:
        """Return the number of detected corruptions."""
        return sum(entry.killed for entry in self.results)

    @property
    def survived(self) -> int:
        """Return the number of undetected corruptions."""
        return len(self.results) - self.killed

    @property
    def sound(self) -> bool:
        """Return whether all corruptions were detected and the valid evidence passed."""
        return bool(self.results) and not self.survived and not self.false_alarms

    def survivors(self) -> tuple[tuple[str, str], ...]:
        """Return name and detail of undetected corruptions and false alarms."""
        escaped = [
            (f"{e.gate}: {e.name}", e.detail or "no finding") for e in self.results if not e.killed
        ]
        return (*escaped, *(("sound evidence", alarm) for alarm in self.false_alarms))

    def rows(self) -> list[tuple[str, int, int]]:
        """Return the numbers of killed and survived corruptions by gate."""
        counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        for entry in self.results:
            counts[entry.gate][0 if entry.killed else 1] += 1
        return [(gate, killed, survived) for gate, (killed, survived) in counts.items()]

    def as_document(self) -> dict[str, Any]:
        """Return the result as JSON."""
        return {
            "killed": self.killed,
            "survived": self.survived,
            "false_alarms": list(self.false_alarms),
            "gates": {
                gate: {"killed": killed, "survived": survived}
                for gate, killed, survived in self.rows()
            },
            "survivors": [
                {"corruption": name, "detail": detail} for name, detail in self.survivors()
            ],
            "corruptions": [f"{entry.gate}: {entry.name}" for entry in self.results],
        }


def run_selftest(
    *,
    gates: Sequence[str] = (),
    corruptions: Sequence[Corruption] = ALL,
    progress: Callable[[str], None] = lambda _: None,
) -> SelfTestResult:
    """Apply every corruption to valid evidence and check its detection.

    Args:
        gates: Only the corruptions of these gates; all if empty.
        corruptions: The corruptions to apply.
        progress: Called with the name of each corruption.
    """
    chosen = [c for c in corruptions if not gates or c.gate in gates]
    with tempfile.TemporaryDirectory(prefix="trimtab-selftest-", dir=_memory()) as folder:
        sound = build_sample_project(Path(folder) / "sound")
        alarms = {gate: _codes(sound, gate) for gate in dict.fromkeys(c.gate for c in chosen)}
        results = []
        for index, corruption in enumerate(chosen):
            progress(f"{corruption.gate}: {corruption.name}")
            copies = Path(folder) / str(index)
            copies.mkdir()
            sample = sound.copy_to(copies / "sample")
            results.append(_try(corruption, sample, alarms[corruption.gate]))
            # Memory may be small; what a corruption made unremovable goes with the whole folder.
            shutil.rmtree(copies, ignore_errors=True)
    false = tuple(f"{gate}: {code}" for gate, codes in alarms.items() for code in sorted(codes))
    return SelfTestResult(tuple(results), false)


def _memory() -> str | None:
    """Return a folder in memory; None where there is none.

    On a disk, making and removing four hundred copies takes longer than judging them.
    """
    return _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK | os.X_OK) else None


def _try(corruption: Corruption, sample: SampleProject, before: set[str]) -> CorruptionResult:
    corruption.change(sample)
    codes = corruption.judge(sample) if corruption.judge else _codes(sample, corruption.gate)
    new = codes - before
    return CorruptionResult(
        corruption.gate, corruption.name, bool(new & set(corruption.expect)), ", ".join(sorted(new))
    )


def _codes(sample: SampleProject, gate: str) -> set[str]:
    """Return the codes of a gate's findings.

    A gate that did not run gives `gates.no_evidence`.
    """
    raw = sample.report_path.read_bytes() if sample.report_path.is_file() else b""
    checked = check_report(raw)
    if gate in ("schema", "import", "approval"):
        return {found.code for found in checked.findings}
    case = sample.case(checked.report)
    if gate == "supply_chain":
        result = supply_chain.check(case, installed=sample.installed(), snapshot=sample.snapshot())
    else:
        result = _CHECKS[gate](case)
    if result.state is not GateState.RAN:
        return {"gates.no_evidence"}
    noted = {found.code for found in result.findings}
    return (
        noted
        if gate == "docs"
        else {f.code for f in result.findings if f.severity is not Severity.LOW}
    )
