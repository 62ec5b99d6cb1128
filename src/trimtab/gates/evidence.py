"""The changes of evidence that need an approval: a replaced manifest, a new baseline."""

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
"""Gates that a report passes before it may become the baseline; drift against the old one is what it replaces."""


@dataclass(frozen=True, slots=True)
class ManifestChange:
    """What writing a dataset's manifest would do."""

    exists: bool
    same: bool
    files: int
    sha256: str
    """Of the new manifest's text: what an approval must name."""


def manifest_change(project: Project, name: str) -> ManifestChange:
    """Return what writing a dataset's manifest would do. Reads every file, changes nothing.

    Raises:
        EvidenceMissing: There is no such dataset, or it cannot have a manifest.
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
    """Make a report the golden baseline; the former one is archived.

    Raises:
        ApprovalRefused: The approval is not for this report, has expired, was used, or nobody trusted signed it.
        BaselineRefused: The report does not pass the validating gates.
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
