"""Checks of the supply-chain gate."""

from pathlib import Path

from trimtab.gates.case import Case, Project
from trimtab.gates.codes import finding
from trimtab.gates.records import Finding, GateResult, GateState
from trimtab.gates.signing import KeyRing
from trimtab.gates.supply_chain.audit import Snapshot, audit_findings
from trimtab.gates.supply_chain.installed import Installed, environment
from trimtab.gates.supply_chain.licences import licence_findings
from trimtab.gates.supply_chain.pins import load_pins, pin_findings
from trimtab.gates.supply_chain.provenance import provenance_findings, signer_of
from trimtab.gates.supply_chain.sbom import read_sbom, verify_sbom


def check(
    case: Case, *, installed: Installed | None = None, snapshot: Snapshot | None = None
) -> GateResult:
    """Check the packages and artifacts that the project ships.

    Args:
        case: The project and its policy.
        installed: The environment; by default the running interpreter's.
        snapshot: The advisories; by default the project's ``advisories.jsonl``, else the shipped
            ones.
    """
    project = case.project
    rules = case.policy.supply_chain
    ring = KeyRing(project.keys, case.clock, pinned=rules.trusted_keys)
    exposed = [
        finding("supply_chain.key_exposed", f"keys/{path.name}", "others can read the private key")
        for path in ring.exposed()
    ]
    if not project.sbom.is_file() and not project.provenance.is_file():
        if exposed:
            return GateResult("supply_chain", GateState.RAN, tuple(exposed))
        return GateResult(
            "supply_chain",
            GateState.SKIPPED,
            reason="there is no bill of materials and no provenance",
        )
    installed = installed or environment(project.root, rules.site)
    snapshot = snapshot or project_snapshot(case)
    found: list[Finding] = [*exposed, *verify_sbom(project, installed)]
    found += provenance_findings(project, ring, rules)
    found += [
        finding("supply_chain.requirement_broken", "environment", line)
        for line in installed.inconsistencies()
    ]
    found += licence_findings(installed.packages, rules)
    found += pin_findings(installed, load_pins(project.root))
    found += audit_findings(_listed(case), snapshot, rules, case.clock.now().date())
    facts = {
        "signed_by": signer_of(project, ring) or "no trusted key",
        "packages": len(installed.packages),
        "advisories": snapshot.records,
        "advisories_of": snapshot.date.isoformat(),
        "advisories_age_days": (case.clock.now().date() - snapshot.date).days,
    }
    return GateResult("supply_chain", GateState.RAN, tuple(found), facts)


def project_snapshot(case: Case) -> Snapshot:
    """Return the project's advisory snapshot, or the shipped one."""
    own = own_snapshot(case.project)
    return Snapshot.load(own) if own is not None else Snapshot.load()


def own_snapshot(project: Project) -> Path | None:
    """Return the file of the project's advisory snapshot; None without one."""
    names = (project.root / name for name in ("advisories.jsonl", "advisories.jsonl.gz"))
    return next((path for path in names if path.exists()), None)


def _listed(case: Case) -> dict[str, str]:
    """Return the versions of the SBOM's libraries, by name."""
    components, _ = read_sbom(case.project.sbom)
    libraries = [c for c in (components or {}).values() if c.get("type") == "library"]
    return {str(c.get("name")): str(c.get("version")) for c in libraries}
