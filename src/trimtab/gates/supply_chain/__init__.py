"""The supply-chain gate: what was shipped is listed, hashed, signed, free of known holes, and may be shipped.

Threat: an altered package, a list of materials that lists something else, an artifact changed after it was signed, a
signature by a key that nobody trusts, a build from a tree that is in no commit, a known hole, a licence that forbids
the use. Limits: advisories are a snapshot whose date is shown; trust begins with whoever may write keys/trust.json,
so a release policy pins the key ids.
"""

from trimtab.gates.supply_chain.audit import Snapshot, audit
from trimtab.gates.supply_chain.check import check
from trimtab.gates.supply_chain.installed import Installed, Package, environment
from trimtab.gates.supply_chain.provenance import sign_files, verify_files
from trimtab.gates.supply_chain.sbom import make_sbom, verify_sbom

__all__ = [
    "Installed",
    "Package",
    "Snapshot",
    "audit",
    "check",
    "environment",
    "make_sbom",
    "sign_files",
    "verify_files",
    "verify_sbom",
]
