"""Signs and verifies the provenance of files: hashes, commit and builder."""

import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from trimtab.gates.case import Project
from trimtab.gates.codes import finding
from trimtab.gates.datasets import hash_file, hash_files
from trimtab.gates.errors import EvidenceMissing, SignatureWrong
from trimtab.gates.evidence_files import read_evidence
from trimtab.gates.policy import SupplyChainPolicy
from trimtab.gates.records import Finding
from trimtab.gates.signing import BUILDER, KeyRing, VerifiedStatement, statement

PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:trimtab:gates:build:v1"
BUILDER_LOCAL = "urn:trimtab:builder:local"
LOCKS = (
    "requirements.txt",
    "requirements/runtime.lock",
    "pyproject.toml",
    "uv.lock",
    "poetry.lock",
)


@dataclass(frozen=True, slots=True)
class GitState:
    """Commit of a working tree, and whether it has changes."""

    commit: str
    dirty: bool


def git_state(root: Path) -> GitState | None:
    """Return the commit and whether tracked files changed; None outside a repository."""
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    return GitState(commit.strip(), bool((changes or "").strip()))


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell.
            ["git", "-C", str(root), *arguments],  # noqa: S607 - git is wherever PATH has it.
            capture_output=True,
            check=False,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


def sign_files(
    project: Project,
    files: Sequence[Path],
    ring: KeyRing,
    at: datetime,
    *,
    builder: str = BUILDER_LOCAL,
) -> bytes:
    """Sign one provenance statement about all files; return its envelope.

    Raises:
        EvidenceMissing: A file is missing or lies outside the project.
        KeyMissing: There is no private key.
    """
    root = project.root.resolve()
    if not files:
        raise EvidenceMissing("There is nothing to sign.", hint="Name the artifacts.")
    names = []
    for path in files:
        if not path.is_file() or not path.resolve().is_relative_to(root):
            raise EvidenceMissing(f"{path.name} is not a file of the project.")
        names.append(path.resolve().relative_to(root).as_posix())
    subjects = dict(zip(names, hash_files(list(files)), strict=True))
    return ring.sign(statement(subjects, PREDICATE_TYPE, _predicate(project, at, builder)))


def _predicate(project: Project, at: datetime, builder: str) -> dict[str, Any]:
    git = git_state(project.root)
    materials: list[dict[str, Any]] = []
    if git is not None:
        materials.append({"uri": "git+file:.", "digest": {"gitCommit": git.commit}})
    locks = [project.root / name for name in LOCKS if (project.root / name).is_file()]
    materials += [
        {"name": p.relative_to(project.root).as_posix(), "digest": {"sha256": hash_file(p)}}
        for p in locks
    ]
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {},
            "internalParameters": {
                "git_dirty": None if git is None else git.dirty,
                "python": platform.python_version(),
                "platform": platform.platform(),
            },
            "resolvedDependencies": materials,
        },
        "runDetails": {
            "builder": {"id": builder},
            "metadata": {"finishedOn": at.isoformat(timespec="seconds").replace("+00:00", "Z")},
        },
    }


def verify_files(
    project: Project, envelope: Path, files: Sequence[Path], ring: KeyRing
) -> tuple[Finding, ...]:
    """Return findings about signatures; of all signed files by default."""
    if not envelope.is_file():
        return (finding("supply_chain.unsigned", envelope.name, "there is no signed provenance"),)
    opened = _open_provenance(envelope, ring)
    if isinstance(opened, Finding):
        return (opened,)
    subjects = opened.subjects()
    root = project.root.resolve()
    names = [path.resolve().relative_to(root).as_posix() for path in files] or list(subjects)
    return tuple(_subject_findings(root, names, subjects))


def trusted_provenance(project: Project, ring: KeyRing) -> VerifiedStatement | None:
    """Return the project's provenance; None when there is none that a trusted key has signed."""
    if not project.provenance.is_file():
        return None
    opened = _open_provenance(project.provenance, ring)
    return opened if isinstance(opened, VerifiedStatement) else None


def signer_of(project: Project, ring: KeyRing) -> str:
    """Return the signer of the project's provenance; empty without a trusted one."""
    signed = trusted_provenance(project, ring)
    return signed.signer if signed else ""


def _open_provenance(envelope: Path, ring: KeyRing) -> VerifiedStatement | Finding:
    try:
        opened = ring.open(read_evidence(envelope))
    except SignatureWrong as error:
        untrusted = "trusted key" in error.message
        code = (
            "supply_chain.key_untrusted"
            if untrusted and not ring.trusted(BUILDER)
            else "supply_chain.signature_wrong"
        )
        return finding(code, envelope.name, error.message)
    if opened.statement["predicateType"] != PREDICATE_TYPE:
        return finding(
            "supply_chain.provenance_wrong", envelope.name, "it is signed, but not a provenance"
        )
    return opened


def _subject_findings(
    root: Path, names: Sequence[str], subjects: Mapping[str, str]
) -> Iterator[Finding]:
    for name in names:
        path = root / name
        if name not in subjects:
            yield finding("supply_chain.unsigned", name, f"{name} is not covered by the signature")
        elif not path.resolve().is_relative_to(root) or not path.is_file():
            yield finding("supply_chain.signature_stale", name, f"{name} was signed, and is gone")
        elif hash_file(path) != subjects[name]:
            yield finding(
                "supply_chain.signature_stale", name, f"{name} changed after it was signed"
            )


def provenance_findings(
    project: Project, ring: KeyRing, rules: SupplyChainPolicy
) -> Iterator[Finding]:
    """Yield findings about the provenance: signature, files, commit and lock files."""
    name = project.provenance.name
    if not project.provenance.is_file():
        yield finding("supply_chain.unsigned", name, "there is no signed provenance")
        return
    opened = _open_provenance(project.provenance, ring)
    if isinstance(opened, Finding):
        yield opened
        return
    subjects = opened.subjects()
    needed = [*rules.sign, *([project.sbom.name] if project.sbom.is_file() else [])]
    yield from _subject_findings(
        project.root.resolve(), list(dict.fromkeys([*subjects, *needed])), subjects
    )
    try:
        build = opened.predicate["buildDefinition"]
        yield from _git_findings(project, build, rules, name)
        yield from _lock_findings(project, build, name)
    except (KeyError, TypeError):
        yield finding("supply_chain.provenance_wrong", name, "the build is not described")


def _git_findings(
    project: Project, build: Mapping[str, Any], rules: SupplyChainPolicy, name: str
) -> Iterator[Finding]:
    if build["internalParameters"]["git_dirty"] and not rules.allow_dirty:
        yield finding("supply_chain.git_dirty", name, "it was built from uncommitted changes")
    commits = [
        d["digest"]["gitCommit"]
        for d in build["resolvedDependencies"]
        if "gitCommit" in d["digest"]
    ]
    current = git_state(project.root)
    if current is None:
        return
    if not commits:
        yield finding(
            "supply_chain.provenance_wrong", name, "it names no commit, and this is a repository"
        )
    elif _git(project.root, "merge-base", "--is-ancestor", commits[0], "HEAD") is None:
        yield finding(
            "supply_chain.provenance_wrong",
            name,
            f"commit {commits[0][:12]} is not in this history",
        )


def _lock_findings(project: Project, build: Mapping[str, Any], name: str) -> Iterator[Finding]:
    for entry in build["resolvedDependencies"]:
        if "sha256" not in entry["digest"]:
            continue
        path = project.root / entry["name"]
        if not path.is_file() or hash_file(path) != entry["digest"]["sha256"]:
            yield finding(
                "supply_chain.provenance_wrong",
                name,
                f"{entry['name']} is not the one it was built with",
            )
