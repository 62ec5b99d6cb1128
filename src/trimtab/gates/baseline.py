"""Golden baseline and the signed approvals that allow replacing it.

Only a validated report with an approval for exactly that report becomes the baseline. An approval
is a signed statement of the action, the hash of the file, the person and the expiry time; it can be
used once. The baseline folder also keeps the report and the approval, so that a later edit of any
of the three files is detected.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from trimtab.gates.case import Project
from trimtab.gates.codes import finding
from trimtab.gates.errors import ApprovalRefused, EvidenceUnreadable, SignatureWrong
from trimtab.gates.evidence_files import read_evidence
from trimtab.gates.records import Finding
from trimtab.gates.schema import check_document, check_report
from trimtab.gates.signing import APPROVER, KeyRing, VerifiedStatement, statement
from trimtab.gates.strictjson import parse
from trimtab.kernel.clock import Clock
from trimtab.kernel.ids import sha256_hex

APPROVAL_TYPE = "urn:trimtab:approval:v1"
VALID_FOR = timedelta(hours=24)
_KEPT = ("accuracy", "samples_processed", "duration_s", "durations_s", "peak_memory_mb", "measure")


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval whose signature was verified."""

    id: str
    """The hash of its envelope."""
    action: str
    by: str
    subject_sha256: str
    reason: str
    expires: datetime
    signer: str
    """The name of the approver's key."""


class Approvals:
    """Grants, checks and uses up approvals.

    Args:
        project: Provides the keys and the journal of used approvals.
        clock: Determines whether an approval has expired.
        pinned: Key ids that may approve; empty for every trusted key.
    """

    def __init__(self, project: Project, clock: Clock, *, pinned: tuple[str, ...] = ()) -> None:
        self._project = project
        self._clock = clock
        self._ring = KeyRing(project.keys, clock, pinned=pinned)

    def grant(self, action: str, sha256: str, *, by: str, reason: str) -> bytes:
        """Return a signed approval of an action on a file's hash."""
        now = self._clock.now()
        predicate = {
            "action": action,
            "by": by,
            "reason": reason,
            "at": now.isoformat(timespec="seconds"),
            "expires": (now + VALID_FOR).isoformat(timespec="seconds"),
            "nonce": secrets.token_hex(16),
        }
        return self._ring.sign(statement({"evidence": sha256}, APPROVAL_TYPE, predicate), APPROVER)

    def read(self, envelope: bytes) -> Approval:
        """Verify the signature of an approval and return its content.

        Raises:
            ApprovalRefused: The envelope is not an approval, or was not signed by a trusted key.
        """
        try:
            opened = self._ring.open(envelope, APPROVER)
            return _approval(opened, envelope)
        except SignatureWrong as error:
            raise ApprovalRefused(f"The approval does not verify: {error.message}") from error

    def check(self, envelope: bytes, action: str, sha256: str) -> Approval:
        """Return the approval if it is valid and unused for this action.

        Raises:
            ApprovalRefused: It is for another action or file, has expired, or was used.
        """
        approval = self.read(envelope)
        if approval.action != action:
            raise ApprovalRefused(f"The approval is for {approval.action!r}, not for {action!r}.")
        if approval.subject_sha256 != sha256:
            raise ApprovalRefused("The approval is for other evidence than this.")
        if self._clock.now() > approval.expires:
            raise ApprovalRefused("The approval has expired.")
        if approval.id in self._spent():
            raise ApprovalRefused("The approval was already used.")
        return approval

    def spend(self, approval: Approval) -> None:
        """Record in the journal that an approval was used."""
        path = self._project.used_approvals
        path.parent.mkdir(parents=True, exist_ok=True)
        at = self._clock.now().isoformat(timespec="seconds")
        with path.open("ab") as stream:
            stream.write(
                orjson.dumps(
                    {"id": approval.id, "action": approval.action, "by": approval.by, "at": at}
                )
                + b"\n"
            )

    def _spent(self) -> set[str]:
        path = self._project.used_approvals
        if not path.is_file():
            return set()
        return {orjson.loads(line)["id"] for line in path.read_bytes().splitlines() if line}

    def baseline_signer(self) -> str:
        """Return the approver of the current baseline; empty without a trusted one."""
        try:
            return self.read(read_evidence(self._project.baseline_approval)).signer
        except (ApprovalRefused, EvidenceUnreadable):
            return ""

    def baseline_findings(self) -> tuple[Finding, ...]:
        """Return a finding unless the current baseline was approved."""
        path = self._project.baseline_approval
        where = "baseline/current/approval.dsse.json"
        if not path.is_file():
            return (finding("drift.baseline_unapproved", where, "there is no approval"),)
        try:
            approval = self.read(read_evidence(path))
        except ApprovalRefused as error:
            return (finding("drift.baseline_unapproved", where, error.message),)
        data = orjson.loads(self._project.baseline.read_bytes())
        same = (
            approval.subject_sha256 == data["report_sha256"]
            and approval.id == data["approval"]["id"]
        )
        if approval.action != "baseline" or not same:
            return (
                finding("drift.baseline_unapproved", where, "the approval is for another baseline"),
            )
        return ()


def _approval(opened: VerifiedStatement, envelope: bytes) -> Approval:
    predicate = opened.predicate
    if opened.statement["predicateType"] != APPROVAL_TYPE:
        raise SignatureWrong("It is not an approval.")
    try:
        return Approval(
            id=sha256_hex(envelope),
            action=str(predicate["action"]),
            by=str(predicate["by"]),
            subject_sha256=opened.subjects()["evidence"],
            reason=str(predicate["reason"]),
            expires=datetime.fromisoformat(predicate["expires"]),
            signer=opened.signer,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SignatureWrong("The approval is malformed.") from error


def make_baseline(
    report: Mapping[str, Any], raw: bytes, approval: Approval, at: datetime
) -> dict[str, Any]:
    """Return the baseline document for a report."""
    return {
        "schema_version": "1.0",
        "created_at": at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "report_sha256": sha256_hex(raw),
        "report_name": report["name"],
        "benchmarks": {result["name"]: _baseline_entry(result) for result in report["results"]},
        "approval": {"by": approval.by, "id": approval.id, "reason": approval.reason},
    }


def _baseline_entry(result: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: result[key] for key in _KEPT if key in result}
    if "dataset" in result:
        kept["manifest_sha256"] = result["dataset"]["manifest_sha256"]
    return kept


def read_baseline(project: Project) -> tuple[Mapping[str, Any] | None, tuple[Finding, ...]]:
    """Return the current baseline, or findings if it is unusable."""
    where = "baseline/current/baseline_metrics.json"
    parsed = parse(read_evidence(project.baseline))
    wrong = parsed.findings or check_document("baseline", parsed.value)
    if wrong or not isinstance(parsed.value, dict):
        return None, (finding("drift.comparison_failed", where, wrong[0].message),)
    data = parsed.value
    kept = project.baseline.with_name("benchmark_report.json")
    raw = read_evidence(kept) if kept.is_file() else b""
    checked = check_report(raw)
    if sha256_hex(raw) != data["report_sha256"] or checked.report is None:
        return None, (
            finding(
                "drift.baseline_unapproved",
                where,
                "the report next to it is not the one it came from",
            ),
        )
    derived = {result["name"]: _baseline_entry(result) for result in checked.report["results"]}  # type: ignore[attr-defined]  # checked by the schema.
    if derived != data["benchmarks"]:
        return None, (
            finding("drift.baseline_unapproved", where, "its numbers are not those of its report"),
        )
    return data, ()


def write_baseline(
    project: Project, document: Mapping[str, Any], raw: bytes, envelope: bytes
) -> Path:
    """Write a new baseline; move the former one to ``baseline/archive/``.

    Returns:
        The new ``baseline_metrics.json``.
    """
    current = project.baseline.parent
    if current.is_dir() and any(current.iterdir()):
        stamp = str(document["created_at"]).replace(":", "")
        archive = project.root / "baseline" / "archive" / f"{stamp}-{secrets.token_hex(3)}"
        archive.parent.mkdir(parents=True, exist_ok=True)
        current.rename(archive)
    current.mkdir(parents=True, exist_ok=True)
    (current / "benchmark_report.json").write_bytes(raw)
    project.baseline_approval.write_bytes(envelope)
    project.baseline.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    return project.baseline
