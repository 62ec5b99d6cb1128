"""The Python names of the MISO runbook, for its snippets in a scaffolded project."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trimtab.cli.gates.project import policy_of
from trimtab.gates.benchmark.logger import BenchmarkLogger
from trimtab.gates.case import Case, Project
from trimtab.gates.codes import finding
from trimtab.gates.dataset_checks import count_samples
from trimtab.gates.datasets import verify
from trimtab.gates.drift import check as check_drift
from trimtab.gates.errors import EvidenceMissing
from trimtab.gates.evidence_files import read_evidence
from trimtab.gates.plausibility import bounds
from trimtab.gates.records import Finding
from trimtab.gates.schema import check_report
from trimtab.gates.windows import window_of
from trimtab.kernel.clock import SystemClock

__all__ = [
    "BenchmarkLogger",
    "DatasetValidator",
    "DriftDetector",
    "PlausibilityMonitor",
    "SchemaValidator",
]


def _report(path: str | Path) -> bytes:
    if not Path(path).is_file():
        raise EvidenceMissing(f"There is no report {Path(path).name}.")
    return read_evidence(Path(path))


class SchemaValidator:
    """Validates benchmark reports."""

    def validate_benchmark_report_file(self, path: str | Path) -> tuple[Finding, ...]:
        """Return what is wrong with a report file; nothing when it is sound.

        Raises:
            EvidenceMissing: There is no such file.
            EvidenceUnreadable: It cannot be read.
        """
        return check_report(_report(path)).findings


class DatasetValidator:
    """Validates the datasets under ``datasets/``.

    Args:
        root: The project directory.
    """

    def __init__(self, root: str | Path = ".") -> None:
        self._project = Project(Path(root))

    def validate_checksums(self) -> tuple[Finding, ...]:
        """Return the differences between datasets and manifests; a missing dataset is one."""
        names = self._project.dataset_names()
        if not names:
            return (finding("datasets.not_found", "datasets/", "there is no dataset"),)
        return tuple(found for name in names for found in verify(self._project.datasets / name))

    def validate_sample_counts(self) -> tuple[Finding, ...]:
        """Return a finding for each dataset that has fewer samples than the policy asks for."""
        case = Case(self._project, policy_of(self._project), SystemClock())
        return count_samples(case).findings


class DriftDetector:
    """Compares reports, or tables of data, with what they were.

    Args:
        root: The project directory.
    """

    def __init__(self, root: str | Path = ".") -> None:
        self._project = Project(Path(root))

    def analyze(self, path: str | Path, metrics: Sequence[str] = ()) -> tuple[Finding, ...]:
        """Return how a report differs from the golden baseline.

        Args:
            path: The report.
            metrics: Only these benchmarks or fields (``accuracy``, ``duration_s``); all if empty.
        """
        raw = _report(path)
        checked = check_report(raw)
        if checked.report is None:
            return checked.findings
        case = Case(
            self._project, policy_of(self._project), SystemClock(), raw=raw, report=checked.report
        )
        result = check_drift(case)
        # Only findings about results are filtered; others concern the whole comparison.
        return tuple(
            found
            for found in result.findings
            if not metrics
            or not found.path.startswith("$.results.")
            or any(metric in found.path for metric in metrics)
        )

    def analyze_data(self, reference: str | Path, current: str | Path) -> tuple[Finding, ...]:
        """Return which columns of a table have drifted."""
        # Numpy is loaded by those who compare tables, not by those who validate a report.
        from trimtab.gates.data_drift import data_findings, read_table

        policy = policy_of(self._project)
        return data_findings(read_table(Path(reference)), read_table(Path(current)), policy.drift)[
            1
        ]


class PlausibilityMonitor:
    """Knows what is plausible for each benchmark.

    Args:
        root: The project directory.
    """

    def __init__(self, root: str | Path = ".") -> None:
        self._project = Project(Path(root))

    def get_benchmark_windows(self, name: str, samples: int | None = None) -> Mapping[str, Any]:
        """Return the window of a benchmark: low, high, samples, floor, best and the source.

        Args:
            name: Such as ``mmlu``.
            samples: The sample count; by default the whole benchmark's.

        Raises:
            KeyError: Nothing is known about the benchmark.
        """
        known = window_of(name)
        size = samples or (known.samples if known else None) or 1000
        edges = bounds(name, size, policy_of(self._project))
        if edges is None:
            raise KeyError(name)
        window = edges.window
        return {
            "low": edges.low,
            "high": edges.high,
            "samples": size,
            "floor": window.floor,
            "best": window.best,
            "source": window.source,
        }
