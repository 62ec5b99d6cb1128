"""Installed packages with version, licence, requirements and hashes from RECORD."""

import base64
import csv
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import quote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from trimtab.gates.datasets import hash_file, map_files
from trimtab.gates.errors import EvidenceMissing
from trimtab.gates.supply_chain.unrecorded import (
    editable_root,
    loose_hashes,
    site_directories,
    source_hashes,
)

_INSTALLER_FILES = {
    "INSTALLER",
    "REQUESTED",
    "RECORD",
    "direct_url.json",
    "uv_cache.json",
    "uv_build.json",
}
"""Files that the installer writes; they are not part of the package."""


def environment(root: Path, site: str) -> "Installed":
    """Return the packages of a site directory, or of the running interpreter.

    Raises:
        EvidenceMissing: The site directory does not exist.
    """
    if not site:
        return Installed()
    if not (root / site).is_dir():
        raise EvidenceMissing(
            f"There is no site directory {site}.", hint="Correct `supply_chain.site` in the policy."
        )
    return Installed([root / site])


def normalised(name: str) -> str:
    """Return the normalised package name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package with its files."""

    name: str
    version: str
    licence: str
    """An SPDX expression or the licence's name; empty when the package does not state it."""
    requires: tuple[str, ...]
    files: Mapping[str, str]
    """Path relative to the site directory to the SHA-256 (hexadecimal) that RECORD states."""
    site: Path
    editable: bool = False
    """Whether its code is in a project directory that RECORD does not list."""
    sources: Mapping[str, str] | None = None
    """For an editable package: path in the project to SHA-256; None when its code is not covered.
    """

    @property
    def key(self) -> str:
        """Return the normalised name."""
        return normalised(self.name)

    @property
    def purl(self) -> str:
        """Return the package URL."""
        return f"pkg:pypi/{self.key}@{quote(self.version, safe='')}"

    @property
    def sha256(self) -> str:
        """Return the SHA-256 over the package's sorted ``<sha256>  <path>`` lines.

        Empty without files. Independent of installer and machine: scripts, byte code and installer
        files are excluded. The sources of an editable package are included; the files that link to
        them are not, because they contain paths of the machine.
        """
        files = self.files
        if self.editable:
            own = {path: sha for path, sha in files.items() if "/" in path}
            files = {
                **own,
                **{f"editable/{path}": sha for path, sha in (self.sources or {}).items()},
            }
        if not files:
            return ""
        lines = "".join(f"{sha}  {path}\n" for path, sha in sorted(files.items()))
        return hashlib.sha256(lines.encode()).hexdigest()

    def requirements(self) -> Iterator[Requirement]:
        """Yield the requirements for this machine.

        Skips invalid ones, which `Installed.inconsistencies` reports.
        """
        for text in self.requires:
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                continue
            if requirement.marker is None or requirement.marker.evaluate():
                yield requirement

    def altered(self) -> tuple[str, ...]:
        """Return the files that differ from RECORD; reads every file."""
        names = sorted(self.files)
        same = map_files(lambda name: _same(self.site / name, self.files[name]), names)
        return tuple(name for name, good in zip(names, same, strict=True) if not good)


def _same(path: Path, sha256: str) -> bool:
    return path.is_file() and hash_file(path) == sha256


class Installed:
    """Installed packages of an environment.

    Args:
        sites: Site directories; by default those of the running interpreter.
    """

    def __init__(self, sites: Iterable[Path] | None = None) -> None:
        found: dict[str, Package] = {}
        paths = None if sites is None else [Path(path) for path in sites]
        known = list(
            metadata.distributions()
            if paths is None
            else metadata.distributions(path=[str(path) for path in paths])
        )
        self._sites = site_directories() if paths is None else paths
        self._record_hashes = _recorded_paths(known, self._sites)
        for distribution in known:
            package = _package(distribution)
            if package is not None:
                found.setdefault(package.key, package)
        self.packages: tuple[Package, ...] = tuple(found[key] for key in sorted(found))

    def loose(self) -> Mapping[str, str]:
        """Hash each entry of the site directories that no RECORD lists."""
        return loose_hashes(self._sites, self._record_hashes)

    def needed_by(self, name: str) -> "Installed":
        """Return a package and its transitive requirements; empty if not installed."""
        by_key = {package.key: package for package in self.packages}
        needed: dict[str, Package] = {}
        waiting = [normalised(name)]
        while waiting:
            package = by_key.get(waiting.pop())
            if package is None or package.key in needed:
                continue
            needed[package.key] = package
            waiting += [normalised(requirement.name) for requirement in package.requirements()]
        chosen = Installed(())
        chosen.packages = tuple(needed[key] for key in sorted(needed))
        return chosen

    def inconsistencies(self) -> Iterator[str]:
        """Yield a message for each unmet requirement, like ``pip check``."""
        versions = {package.key: package.version for package in self.packages}
        for package in self.packages:
            for text in package.requires:
                try:
                    requirement = Requirement(text)
                    needed = requirement.marker is None or requirement.marker.evaluate()
                except InvalidRequirement:
                    yield (
                        f"{package.name} {package.version} has the unreadable requirement {text!r}."
                    )
                    continue
                if needed:
                    yield from _requirement_problem(
                        package, requirement, versions.get(normalised(requirement.name))
                    )


def _requirement_problem(
    package: Package, requirement: Requirement, present: str | None
) -> Iterator[str]:
    if present is None:
        yield (
            f"{package.name} {package.version} requires {requirement.name}, which is not installed."
        )
    elif not _satisfies(present, requirement):
        yield (
            f"{package.name} {package.version} has requirement {requirement}, but you have"
            f" {requirement.name} {present}."
        )


def _satisfies(present: str, requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(Version(present), prereleases=True)
    except InvalidVersion:
        return False


def _package(distribution: metadata.Distribution) -> Package | None:
    about = distribution.metadata
    name = about["Name"]
    if not name:
        return None
    site = Path(str(distribution.locate_file("")))
    record = distribution.read_text("RECORD") or ""
    root = editable_root(distribution)
    return Package(
        name=name,
        version=distribution.version,
        licence=_licence(about),
        requires=tuple(distribution.requires or ()),
        files=dict(_record_hashes(record)),
        site=site,
        editable=root is not None,
        sources=source_hashes(root, distribution) if root is not None and root.is_dir() else None,
    )


def _recorded_paths(
    distributions: Iterable[metadata.Distribution], sites: Iterable[Path]
) -> dict[Path, frozenset[str]]:
    """Return the paths in RECORD files, by site directory."""
    listed: dict[Path, set[str]] = {site: set() for site in sites}
    for distribution in distributions:
        names = listed.get(Path(str(distribution.locate_file(""))))
        if names is not None:
            record = distribution.read_text("RECORD") or ""
            names.update(row[0] for row in csv.reader(record.splitlines()) if row)
    return {site: frozenset(names) for site, names in listed.items()}


def _record_hashes(record: str) -> Iterator[tuple[str, str]]:
    for row in csv.reader(record.splitlines()):
        path, stated = (row[0], row[1]) if len(row) >= 2 else ("", "")
        name = path.rpartition("/")[2]
        if not stated.startswith("sha256=") or path.startswith(("..", "/")):
            continue
        if name in _INSTALLER_FILES or name.endswith(".pyc"):
            continue
        digest = stated.removeprefix("sha256=")
        yield path, base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4)).hex()


def _licence(about: metadata.PackageMetadata) -> str:
    if "License-Expression" in about:
        return str(about["License-Expression"])
    classifiers = [
        str(c) for c in about.get_all("Classifier") or [] if str(c).startswith("License ::")
    ]
    named = [c.rpartition(" :: ")[2] for c in classifiers if not c.endswith("OSI Approved")]
    if named:
        return " OR ".join(named)
    text = str(about["License"]).strip() if "License" in about else ""
    return text if text and "\n" not in text and len(text) <= 100 and text != "UNKNOWN" else ""
