"""Logs verdicts, writes their signed envelopes into the project, and verifies them."""

from dataclasses import dataclass
from pathlib import Path

from trimtab.gates import logbook
from trimtab.gates.case import Project
from trimtab.gates.errors import SignatureWrong
from trimtab.gates.evidence_files import read_evidence, replace_file
from trimtab.gates.records import GateOutcome, GateVerdict
from trimtab.gates.schema import check_report
from trimtab.gates.signing import KeyRing
from trimtab.gates.verdict import SUMMARY_TYPE, sign
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.ids import sha256_hex

VERDICT_FILE = "verdict.dsse.json"


def store_verdict(verdict: GateVerdict, project: Project, report: Path) -> dict[str, str] | None:
    """Log and sign a verdict; return the signer, if any."""
    checked = check_report(read_evidence(report)).report
    results = checked["results"] if checked else []
    # Checked by the schema.
    logbook.write(project, verdict, tuple(results))  # type: ignore[arg-type]
    ring = KeyRing(project.keys, SystemClock())
    if not ring.can_sign():
        return None
    envelope = sign(verdict, ring)
    replace_file(project.root / VERDICT_FILE, envelope)
    opened = ring.open(envelope)
    return {"keyid": opened.keyid, "signer": opened.signer, "envelope": VERDICT_FILE}


@dataclass(frozen=True, slots=True)
class SignedVerdict:
    """Outcome and signer of a verdict whose signature and report are right.

    Attributes:
        signer: Name of the trusted key.
        at: ISO 8601, UTC.
    """

    outcome: GateOutcome
    subject: str
    policy: str
    at: str
    signer: str
    keyid: str


def verify_verdict(envelope: Path, project: Project, ring: KeyRing) -> SignedVerdict:
    """Verify a verdict's signature, and that its report is still the one that was judged.

    Raises:
        SignatureWrong: The signature is not of a trusted key, the file is not a verdict, or the
            report has changed since.
    """
    opened = ring.open(read_evidence(envelope))
    verdict = opened.predicate.get("verdict")
    if opened.statement["predicateType"] != SUMMARY_TYPE or verdict is None:
        raise SignatureWrong(
            f"{envelope.name} is signed, but it is not a verdict.",
            hint="`trimtab gates run REPORT` writes verdicts.",
        )
    report = project.root / verdict["subject"]
    if not report.is_file() or sha256_hex(read_evidence(report)) != verdict["subject_sha256"]:
        raise SignatureWrong(
            f"{verdict['subject']} is missing or not the file that was judged.",
            hint="Judge it: trimtab gates run REPORT.",
        )
    return SignedVerdict(
        GateOutcome(verdict["verdict"]),
        verdict["subject"],
        verdict["policy"],
        verdict["at"],
        opened.signer,
        opened.keyid,
    )
