"""Logs verdicts and writes their signed envelopes into the project."""

from pathlib import Path

from trimtab.gates import logbook
from trimtab.gates.case import Project
from trimtab.gates.evidence_files import read_evidence, replace_file
from trimtab.gates.records import GateVerdict
from trimtab.gates.schema import check_report
from trimtab.gates.signing import KeyRing
from trimtab.gates.verdict import sign
from trimtab.kernel.clock import SystemClock

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
