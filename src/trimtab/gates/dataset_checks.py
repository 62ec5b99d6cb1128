"""Checks all datasets of a project, or only counts their samples."""

from collections.abc import Mapping
from dataclasses import dataclass

from trimtab.gates import datasets
from trimtab.gates.case import Case
from trimtab.gates.codes import finding
from trimtab.gates.records import Finding


@dataclass(frozen=True, slots=True)
class SampleCounts:
    """Sample count of each dataset, and findings for too few."""

    samples: Mapping[str, int]
    findings: tuple[Finding, ...]


def check_datasets(case: Case) -> tuple[Finding, ...]:
    """Check every dataset; without datasets there is a finding."""
    return datasets.check(case).findings if case.project.dataset_names() else _no_dataset()


def count_samples(case: Case) -> SampleCounts:
    """Count every dataset's samples; without datasets there is a finding."""
    names = case.project.dataset_names()
    if not names:
        return SampleCounts({}, _no_dataset())
    findings = tuple(entry for name in names for entry in datasets.sample_findings(case, name))
    folder = case.project.datasets
    return SampleCounts({name: datasets.count_samples(folder / name) for name in names}, findings)


def _no_dataset() -> tuple[Finding, ...]:
    return (finding("datasets.not_found", "datasets/", "there is no dataset"),)
