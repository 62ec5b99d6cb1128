"""Proofs that a drill of a cause has passed on this build."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from trimtab.incidents.store import IncidentStore
from trimtab.kernel.errors import Corrupt
from trimtab.kernel.operable import Realism
from trimtab.runbooks import Cause, Library, Runbook

_UNKNOWN = "the drill was run before realism was recorded"


@dataclass(frozen=True, slots=True)
class DrillProof:
    """A passed drill: hash of page and build, and the realism of its faults."""

    proof: str
    """`Runbook.proof_hash` of the page and the build."""
    realism: Realism
    reason: str = ""
    """Why the drill was simulated; empty for a real one."""


class Proofs:
    """Passed drills, bound to the page's bytes and the build.

    Args:
        store: Proofs made on this machine.
        version: The build.
        shipped: Proofs made where the build was made, by cause id, see `shipped_proofs`.
    """

    def __init__(
        self, store: IncidentStore, version: str, shipped: Mapping[str, DrillProof] | None = None
    ) -> None:
        self._store = store
        self._version = version
        self._shipped = dict(shipped or {})

    def find(self, runbook: Runbook, cause: Cause) -> DrillProof | None:
        """Return the proof for exactly this page on this build, or None.

        A proof of this machine is newer than the shipped one, so its realism applies.
        """
        proof_hash = runbook.proof_hash(self._version)
        row = self._store.proof(cause.id, proof_hash)
        if row is not None:
            return DrillProof(proof_hash, Realism(row["realism"]), row["reason"])
        shipped = self._shipped.get(cause.id)
        return shipped if shipped is not None and shipped.proof == proof_hash else None

    def proven(self, runbook: Runbook, cause: Cause) -> bool:
        """Return whether the cause's drill has passed with exactly this page on this build."""
        return self.find(runbook, cause) is not None

    def add(
        self, runbook: Runbook, cause: Cause, at: datetime, *, realism: Realism, reason: str = ""
    ) -> None:
        """Record a passed drill of the cause, with its realism."""
        self._store.add_proof(
            cause.id, runbook.proof_hash(self._version), at, realism=realism, reason=reason
        )

    def export(self, library: Library) -> str:
        """Return the proofs of this library on this build as the text of a proofs file."""
        held = {
            cause.id: asdict(proof)
            for runbook, cause in library.causes()
            if (proof := self.find(runbook, cause)) is not None
        }
        return json.dumps({"version": self._version, "proofs": held}, indent=2) + "\n"


def proof_entry(proof: DrillProof | None) -> dict[str, object]:
    """Return a proof as fields of a list of causes."""
    return {
        "proven": proof is not None,
        "realism": "" if proof is None else proof.realism.value,
        "realism_reason": "" if proof is None else proof.reason,
    }


def shipped_proofs(file: Path) -> Mapping[str, DrillProof]:
    """Load a proofs file; a missing file has no proofs.

    An older file holds only the proof's hash for each cause; its proofs count as simulated.

    Raises:
        Corrupt: The file does not have the format of a proofs file.
    """
    if not file.exists():
        return {}
    try:
        proofs = json.loads(file.read_text(encoding="utf-8"))["proofs"]
        return {str(cause): _parse(entry) for cause, entry in proofs.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Corrupt(
            f"{file.name} is not a valid proofs file: {error!r}.",
            hint="Create it again: `trimtab drills run --all`.",
        ) from error


def _parse(entry: Any) -> DrillProof:
    if isinstance(entry, str):
        return DrillProof(entry, Realism.SIMULATED, _UNKNOWN)
    proof = DrillProof(str(entry["proof"]), Realism(entry["realism"]), str(entry["reason"]))
    if (proof.realism is Realism.SIMULATED) != bool(proof.reason):
        raise ValueError(f"a simulated proof gives the reason, and only a simulated one: {entry}")
    return proof
