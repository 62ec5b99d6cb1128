"""Creates and verifies a CycloneDX SBOM of packages, models and datasets."""

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import trimtab
from trimtab.gates.case import Project
from trimtab.gates.codes import finding
from trimtab.gates.datasets import MANIFEST, create_manifest, hash_file
from trimtab.gates.evidence_files import read_evidence
from trimtab.gates.records import Finding
from trimtab.gates.strictjson import parse
from trimtab.gates.supply_chain.installed import Installed, Package
from trimtab.kernel.ids import sha256_hex

HASH_OF = "trimtab:hash-of"
"""Property that names the content of a component's hash."""
NOT_COVERED = "trimtab:not-covered"
"""Property that names the content without a hash."""


def make_sbom(project: Project, installed: Installed, at: datetime) -> dict[str, Any]:
    """Return the CycloneDX 1.6 SBOM of an environment, models and datasets.

    The serial number is derived from the content, so the same components give the same number.
    """
    components = [_library(package) for package in installed.packages]
    components += _loose(installed)
    components += _models(project)
    components += _data(project)
    content = "".join(f"{c['bom-ref']} {_sha256(c)}\n" for c in components)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, sha256_hex(content.encode()))}",
        "version": 1,
        "metadata": {
            "timestamp": at.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "tools": {
                "components": [{"type": "application", "name": "trimtab", "version": _version()}]
            },
            "component": {
                "type": "application",
                "bom-ref": "project",
                "name": project.root.resolve().name,
            },
        },
        "components": components,
    }


def _version() -> str:
    return str(getattr(trimtab, "__version__", "0"))


def _library(package: Package) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "properties": [{"name": HASH_OF, "value": _hash_of(package)}],
    }
    if package.editable and package.sources is None:
        component["properties"].append(
            {"name": NOT_COVERED, "value": "the code of this editable package"}
        )
    if package.sha256:
        component["hashes"] = [{"alg": "SHA-256", "content": package.sha256}]
    if package.licence:
        component["licenses"] = [{"license": {"name": package.licence}}]
    return component


def _hash_of(package: Package) -> str:
    recorded = "sorted `<sha256>  <path>` lines of RECORD"
    return (
        f"{recorded} and of the editable package's source files" if package.editable else recorded
    )


def _loose(installed: Installed) -> Iterator[dict[str, Any]]:
    """Yield a component for each module or `.pth` file outside installed packages."""
    for name, sha in installed.loose().items():
        what = "sorted `<sha256>  <path>` lines of the files that no RECORD lists"
        yield _file("file", f"site-packages/{name}", sha, what)


def _models(project: Project) -> Iterator[dict[str, Any]]:
    folder = project.root / "models"
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if path.is_file() and not path.is_symlink():
            name = path.relative_to(project.root).as_posix()
            yield _file("machine-learning-model", name, hash_file(path), "the file")


def _data(project: Project) -> Iterator[dict[str, Any]]:
    for name in project.dataset_names():
        # The dataset gate compares the data with its manifest.
        manifest = project.datasets / name / MANIFEST
        kept = manifest.is_file()
        text = read_evidence(manifest) if kept else create_manifest(manifest.parent).text().encode()
        sha = sha256_hex(text)
        yield _file("data", f"datasets/{name}", sha, f"its {MANIFEST}")


def _file(kind: str, name: str, sha256: str, hash_of: str) -> dict[str, Any]:
    return {
        "type": kind,
        "bom-ref": name,
        "name": name,
        "version": sha256[:12],
        "hashes": [{"alg": "SHA-256", "content": sha256}],
        "properties": [{"name": HASH_OF, "value": hash_of}],
    }


def _sha256(component: Mapping[str, Any]) -> str:
    hashes = {entry["alg"]: entry["content"] for entry in component.get("hashes", [])}
    return str(hashes.get("SHA-256", ""))


def read_sbom(path: Path) -> tuple[dict[str, Mapping[str, Any]] | None, tuple[Finding, ...]]:
    """Return the SBOM's components by reference, or findings if unusable."""
    if not path.is_file():
        return None, (
            finding("supply_chain.sbom_missing", path.name, "there is no bill of materials"),
        )
    parsed = parse(read_evidence(path))
    bom = parsed.value
    if parsed.findings or not isinstance(bom, dict) or bom.get("bomFormat") != "CycloneDX":
        return None, (
            finding("supply_chain.sbom_mismatch", path.name, "it is not a CycloneDX document"),
        )
    components = bom.get("components")
    if not isinstance(components, list) or not all(isinstance(c, dict) for c in components):
        return None, (finding("supply_chain.sbom_mismatch", path.name, "it lists no components"),)
    by_ref = {str(component.get("bom-ref")): component for component in components}
    if len(by_ref) != len(components) or not components:
        return None, (
            finding(
                "supply_chain.sbom_mismatch", path.name, "a component is listed twice, or none is"
            ),
        )
    return by_ref, ()


def verify_sbom(
    project: Project, installed: Installed, *, deep: bool = True
) -> tuple[Finding, ...]:
    """Recompute the SBOM and return the differences.

    Args:
        project: Project with the SBOM, the models and the datasets.
        installed: The current environment.
        deep: Also read every installed file and compare it with its package's RECORD.
    """
    listed, found = read_sbom(project.sbom)
    if listed is None:
        return found
    actual = {
        c["bom-ref"]: c
        for c in [
            *map(_library, installed.packages),
            *_loose(installed),
            *_models(project),
            *_data(project),
        ]
    }
    return (
        *_differences(listed, actual, project.sbom.name),
        *_uncovered(installed),
        *(_altered(installed) if deep else ()),
    )


def _differences(
    listed: Mapping[str, Mapping[str, Any]], actual: Mapping[str, Mapping[str, Any]], where: str
) -> Iterator[Finding]:
    for ref in sorted(set(listed) | set(actual)):
        if ref not in actual:
            yield finding("supply_chain.sbom_mismatch", where, f"{ref} is listed, but not there")
        elif ref not in listed:
            yield finding("supply_chain.sbom_mismatch", where, f"{ref} is there, but not listed")
        elif not _sha256(listed[ref]):
            yield finding("supply_chain.sbom_unhashed", where, f"{ref} has no SHA-256")
        elif _sha256(listed[ref]) != _sha256(actual[ref]):
            yield finding(
                "supply_chain.sbom_mismatch", where, f"{ref} has another hash than listed"
            )


def _uncovered(installed: Installed) -> Iterator[Finding]:
    """Yield a finding for each editable package whose sources cannot be hashed."""
    for package in installed.packages:
        if package.editable and package.sources is None:
            what = f"the code of the editable package {package.name} is not covered"
            yield finding("supply_chain.sbom_unhashed", package.purl, what)


def _altered(installed: Installed) -> Iterator[Finding]:
    for package in installed.packages:
        altered = package.altered()
        if altered:
            yield finding(
                "supply_chain.package_altered",
                package.purl,
                f"{altered[0]} and {len(altered) - 1} more differ from RECORD",
            )
