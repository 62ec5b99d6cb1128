"""Changes of evidence that need an approval: manifest and baseline."""

from dataclasses import dataclass
from pathlib import Path

from trimtab.gates import datasets
from trimtab.gates.baseline import Approvals, make_baseline, write_baseline
from trimtab.gates.case import Project
from trimtab.gates.errors import BaselineRefused, EvidenceMissing
from trimtab.gates.evidence_files import read_evidence
from trimtab.gates.policy import GatePolicy
from trimtab.gates.records import GateOutcome
from trimtab.gates.run import Request, run
from trimtab.gates.schema import check_report
from trimtab.kernel.clock import Clock
from trimtab.kernel.ids import sha256_hex

VALIDATING = ("schema", "datasets", "benchmark", "plausibility")
"""Gates that a report must pass to become the baseline; the drift gate is excluded, because it uses
the old one.
"""


@dataclass(frozen=True, slots=True)
class ManifestChange:
    """Effect of writing a dataset's manifest."""

    exists: bool
    same: bool
    files: int
    sha256: str
    """Hash of the new manifest's text, which an approval must name."""


def manifest_change(project: Project, name: str) -> ManifestChange:
    """Return the effect of writing a dataset's manifest; reads every file.

    Raises:
        EvidenceMissing: The dataset does not exist, or cannot have a manifest.
    """
    folder = project.datasets / name
    text = datasets.create_manifest(folder).text().encode()
    path = folder / datasets.MANIFEST
    present = path.read_bytes() if path.is_file() else None
    return ManifestChange(present is not None, present == text, text.count(b"\n"), sha256_hex(text))


def promote(
    project: Project,
    report: Path,
    envelope: bytes,
    policy: GatePolicy,
    clock: Clock,
    *,
    dry_run: bool = False,
) -> Path:
    """Make a report the golden baseline and archive the former one.

    Raises:
        ApprovalRefused: The approval is for another report, has expired, was used, or has no
        trusted signature. BaselineRefused: The report does not pass the validating gates.
    """
    if not report.is_file():
        raise EvidenceMissing(f"There is no report {report.name}.")
    raw = read_evidence(report)
    approvals = Approvals(project, clock, pinned=policy.supply_chain.trusted_keys)
    approval = approvals.check(envelope, "baseline", sha256_hex(raw))
    verdict = run(
        Request(project.root, report, policy=policy, keyring=project.keyring, only=VALIDATING),
        clock,
    )
    checked = check_report(raw)
    if checked.report is None or verdict.outcome is GateOutcome.BLOCK:
        first = next(found for found in verdict.findings)
        raise BaselineRefused(f"The report does not pass its own gates: {first.message}")
    if dry_run:
        return project.baseline
    approvals.spend(approval)
    document = make_baseline(checked.report, raw, approval, clock.now())
    return write_baseline(project, document, raw, envelope)
