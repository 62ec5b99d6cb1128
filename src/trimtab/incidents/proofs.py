"""Which causes have proven, on this build, that their runbook repairs them."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from trimtab.incidents.store import IncidentStore
from trimtab.kernel.errors import Corrupt
from trimtab.runbooks import Cause, Library, Runbook


class Proofs:
    """Passed drills, bound to the page's bytes and the build.

    Args:
        store: Proofs made on this machine.
        version: The build.
        shipped: Proofs made where the build was made: cause id to proof hash, see `shipped_proofs`.
    """

    def __init__(
        self, store: IncidentStore, version: str, shipped: Mapping[str, str] | None = None
    ) -> None:
        self._store = store
        self._version = version
        self._shipped = dict(shipped or {})

    def proven(self, runbook: Runbook, cause: Cause) -> bool:
        """Return whether the cause's drill has passed with exactly this page on this build."""
        wanted = runbook.proof_hash(self._version)
        return self._shipped.get(cause.id) == wanted or (cause.id, wanted) in self._store.proofs()

    def add(self, runbook: Runbook, cause: Cause, at: datetime) -> None:
        """Record that the cause's drill has passed."""
        self._store.add_proof(cause.id, runbook.proof_hash(self._version), at)

    def export(self, library: Library) -> str:
        """Return the text of a proofs file: every proof that holds for this library on this build."""
        held = {
            cause.id: runbook.proof_hash(self._version)
            for runbook, cause in library.causes()
            if self.proven(runbook, cause)
        }
        return json.dumps({"version": self._version, "proofs": held}, indent=2) + "\n"


def shipped_proofs(file: Path) -> Mapping[str, str]:
    """Read a proofs file; a missing one holds no proofs.

    Raises:
        Corrupt: It is no proofs file.
    """
    if not file.exists():
        return {}
    try:
        proofs = json.loads(file.read_text(encoding="utf-8"))["proofs"]
        return {str(cause): str(proof) for cause, proof in proofs.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Corrupt(
            f"{file.name} is no proofs file: {error!r}.",
            hint="Make it again: `trimtab drills run --all`.",
        ) from error
