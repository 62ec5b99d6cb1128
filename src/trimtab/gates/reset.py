"""Resets a project with ``git clean -fdx``, keeping keys and evidence."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from trimtab.gates.case import Project
from trimtab.gates.errors import EvidenceUnreadable

PROTECTED: tuple[str, ...] = (
    "keys", "baseline", "datasets", "data", "models", "logs", "*.key", "*.pem", "*.pub", ".env*", "*.db",
    "gates.yaml", "benchmark_report.json", "sbom.cdx.json", "reproducibility.json", "*.dsse.json", "approvals", "advisories.jsonl*",
)  # fmt: skip
"""Names that a reset leaves alone wherever they are, tracked or not."""


@dataclass(frozen=True, slots=True)
class ResetPlan:
    """Files that a reset would delete."""

    remove: tuple[str, ...]
    """Paths relative to the root; a folder ends with ``/``."""
    kept: tuple[str, ...]
    """Protected names that exist under the root."""


def plan(project: Project) -> ResetPlan:
    """Return the files that a reset would delete.

    Raises:
        EvidenceUnreadable: The folder is not in a git repository, or git would touch something
        protected.
    """
    text = _clean(project.root, "-n")
    remove = tuple(
        line.removeprefix("Would remove ")
        for line in text.splitlines()
        if line.startswith("Would remove ")
    )
    kept = tuple(
        sorted({path.relative_to(project.root).as_posix() for path in _protected(project.root)})
    )
    taken = [name for name in remove for safe in kept if _covers(name, safe)]
    if taken:
        raise EvidenceUnreadable(f"git would delete {taken[0]}, which holds protected evidence.")
    return ResetPlan(remove, kept)


def reset(project: Project, *, install: bool = False) -> ResetPlan:
    """Delete the planned files and optionally reinstall ``requirements.txt``.

    Raises:
        EvidenceUnreadable: As `plan`; or git or pip failed.
    """
    planned = plan(project)
    _clean(project.root, "-f")
    requirements = project.root / "requirements.txt"
    if install and requirements.is_file():
        _run(
            [sys.executable, "-m", "pip", "install", "--quiet", "-r", str(requirements)],
            project.root,
        )
    return planned


def _clean(root: Path, mode: str) -> str:
    excludes = [part for name in PROTECTED for part in ("-e", name)]
    return _run(["git", "-c", "core.quotePath=false", "clean", mode, "-d", "-x", *excludes], root)


def _protected(root: Path) -> set[Path]:
    found: set[Path] = set()
    for pattern in PROTECTED:
        found |= {
            path for path in root.rglob(pattern) if ".git" not in path.relative_to(root).parts[:1]
        }
    return {
        path for path in found if ".venv" not in path.parts and "node_modules" not in path.parts
    }


def _covers(removed: str, kept: str) -> bool:
    gone = PurePosixPath(removed.rstrip("/"))
    safe = PurePosixPath(kept)
    return gone == safe or gone in safe.parents or safe in gone.parents


def _run(command: Sequence[str], root: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - fixed programs, no shell.
            list(command), cwd=root, capture_output=True, check=False, timeout=600
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EvidenceUnreadable(f"{command[0]} could not run: {error}") from error
    if done.returncode != 0:
        message = done.stderr.decode(errors="replace").strip()
        raise EvidenceUnreadable(f"{command[0]} failed: {message[-300:]}")
    return done.stdout.decode("utf-8", errors="replace")
