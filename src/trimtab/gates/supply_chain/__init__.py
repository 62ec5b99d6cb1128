"""Supply-chain gate: checks SBOM, signatures, provenance, vulnerabilities and licences.

Threat: an altered package, an SBOM that does not match the installation, an artifact changed after
signing, a signature by an untrusted key, a build from uncommitted changes, a known vulnerability, a
licence that forbids the use. Limits: advisories are a snapshot, whose date is shown; a person who
can write keys/trust.json controls the trust, so a release policy pins the key ids.
"""

from trimtab.gates.supply_chain.audit import Snapshot, audit
from trimtab.gates.supply_chain.check import check
from trimtab.gates.supply_chain.installed import Installed, environment
from trimtab.gates.supply_chain.provenance import sign_files, trusted_provenance, verify_files
from trimtab.gates.supply_chain.sbom import make_sbom, verify_sbom

__all__ = [
    "Installed",
    "Snapshot",
    "audit",
    "check",
    "environment",
    "make_sbom",
    "sign_files",
    "trusted_provenance",
    "verify_files",
    "verify_sbom",
]
