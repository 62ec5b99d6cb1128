"""Dataset gate: verifies manifests, sample counts and file permissions.

Threat: a changed, swapped, added or removed file; a manifest that points out of its dataset; a
subset passed off as the whole; data that any user of the machine can change. How: SHA-256 of every
file on two threads, never from a cache. Limits: a manifest regenerated together with its data is
consistent; reports and the baseline therefore contain the manifest's own hash, and regenerating
needs an approval.
"""

import csv
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

import orjson

from trimtab.gates.case import Case
from trimtab.gates.codes import finding
from trimtab.gates.errors import EvidenceMissing, EvidenceUnreadable
from trimtab.gates.evidence_files import read_evidence, read_text
from trimtab.gates.records import Finding, GateResult, GateState

MANIFEST = "manifest.sha256"
THREADS = 2
_FILES_AT_ONCE = 64
_LINE = re.compile(r"^(?P<sha>[0-9a-f]{64})  (?P<path>.+)$")
_BLOCK = 1024 * 1024
_Given = TypeVar("_Given")
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class DatasetManifest:
    """SHA-256 of a dataset's files, by relative path, sorted."""

    files: Mapping[str, str]

    def text(self) -> str:
        """Return the manifest in the format of ``sha256sum``."""
        return "".join(f"{sha}  {path}\n" for path, sha in sorted(self.files.items()))

    def as_document(self, dataset: str) -> dict[str, object]:
        """Return the manifest as JSON (schemas/manifest-1.0.json)."""
        files = [{"path": path, "sha256": sha} for path, sha in sorted(self.files.items())]
        return {"schema_version": "1.0", "dataset": dataset, "files": files}


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256", _bufsize=_BLOCK).hexdigest()


def hash_files(paths: Sequence[Path]) -> list[str]:
    """Return the SHA-256 of each file, in order."""
    return map_files(hash_file, paths)


def map_files(function: Callable[[_Given], _Found], given: Sequence[_Given]) -> list[_Found]:
    """Call a function that reads a file for each argument in threads; return the results in order.

    Threads help because hashlib releases the interpreter's lock. Each takes several files at once,
    since handing over a small one costs as much as reading it.
    """
    size = max(1, min(_FILES_AT_ONCE, len(given) // (4 * THREADS)))
    parts = [given[first : first + size] for first in range(0, len(given), size)]
    with ThreadPoolExecutor(THREADS, thread_name_prefix="gates-hash") as pool:
        done = pool.map(lambda part: [function(each) for each in part], parts)
        return [found for part in done for found in part]


def files_of(folder: Path) -> list[str]:
    """Return the sorted relative paths of a dataset's files and links.

    The manifest is excluded.
    """
    found = []
    for directory, _, names in os.walk(folder):
        for name in names:
            relative = (Path(directory) / name).relative_to(folder).as_posix()
            if relative != MANIFEST:
                found.append(relative)
    return sorted(found)


def create_manifest(folder: Path) -> DatasetManifest:
    """Return a manifest of the dataset's current files.

    Raises:
        EvidenceMissing: The folder does not exist, is empty, or contains a link.
    """
    if not folder.is_dir():
        raise EvidenceMissing(f"Dataset not found: {folder.name}.")
    names = files_of(folder)
    odd = [name for name in names if not _is_regular(folder / name) or "\n" in name or "\\" in name]
    if odd or not names:
        what = (
            f"{odd[0]!r} is not a regular file or has an unusable name"
            if odd
            else "it has no files"
        )
        raise EvidenceMissing(f"Dataset {folder.name} cannot have a manifest: {what}.")
    return DatasetManifest(
        dict(zip(names, hash_files([folder / name for name in names]), strict=True))
    )


def write_manifest(folder: Path) -> DatasetManifest:
    """Create the manifest and write it atomically."""
    manifest = create_manifest(folder)
    temporary = folder / f".{MANIFEST}.new"
    temporary.write_text(manifest.text(), encoding="utf-8")
    temporary.replace(folder / MANIFEST)
    return manifest


def read_manifest(folder: Path) -> tuple[DatasetManifest | None, tuple[Finding, ...]]:
    """Return the manifest on disk, or the findings about it."""
    path = folder / MANIFEST
    where = f"datasets/{folder.name}/{MANIFEST}"
    if not path.is_file():
        return None, (finding("datasets.manifest_missing", where, folder.name),)
    files: dict[str, str] = {}
    found = []
    lines = read_text(path).splitlines()
    for number, line in enumerate(lines, start=1):
        match = _LINE.match(line)
        if match is None or match["path"] in files:
            what = "is not a manifest line" if match is None else "names a file twice"
            found.append(
                finding("datasets.manifest_malformed", f"{where}:{number}", f"the line {what}")
            )
            continue
        if _unsafe(match["path"], folder):
            found.append(finding("datasets.unsafe_path", f"{where}:{number}", match["path"]))
            continue
        files[match["path"]] = match["sha"]
    if not files and not found:
        found.append(finding("datasets.manifest_malformed", where, "the manifest is empty"))
    return (None if found else DatasetManifest(files)), tuple(found)


def _unsafe(path: str, folder: Path) -> bool:
    pure = PurePosixPath(path)
    outside = pure.is_absolute() or ".." in pure.parts or "\\" in path or str(pure) != path
    return outside or any(
        (folder / part).is_symlink() for part in (pure, *pure.parents) if str(part) != "."
    )


def verify(folder: Path) -> tuple[Finding, ...]:
    """Return the differences between a dataset and its manifest; reads every file."""
    if not folder.is_dir():
        return (finding("datasets.not_found", f"datasets/{folder.name}", folder.name),)
    manifest, found = read_manifest(folder)
    if manifest is None:
        return found
    present = set(files_of(folder))
    listed = set(manifest.files)
    where = f"datasets/{folder.name}"
    missing = [
        finding("datasets.file_missing", f"{where}/{name}", f"{name} is missing")
        for name in sorted(listed - present)
    ]
    unlisted = [
        finding("datasets.file_unlisted", f"{where}/{name}", f"{name} is not in the manifest")
        for name in sorted(present - listed)
    ]
    return (*missing, *unlisted, *_mismatches(folder, manifest, sorted(listed & present)))


def _mismatches(folder: Path, manifest: DatasetManifest, names: list[str]) -> Iterator[Finding]:
    for name in names:
        if not _is_regular(folder / name):
            where = f"datasets/{folder.name}/{name}"
            yield finding("datasets.unsafe_path", where, f"{name} is not a regular file")
    # `permission_findings` reports unreadable files; hashing a pipe would block forever.
    readable = [
        name for name in names if _is_regular(folder / name) and os.access(folder / name, os.R_OK)
    ]
    actual = hash_files([folder / name for name in readable])
    for name, sha in zip(readable, actual, strict=True):
        if sha != manifest.files[name]:
            detail = f"{name} is {sha[:12]}..., the manifest says {manifest.files[name][:12]}..."
            yield finding("datasets.checksum_mismatch", f"datasets/{folder.name}/{name}", detail)


def _is_regular(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def count_samples(folder: Path) -> int:
    """Return the number of samples of a dataset.

    Counts lines of JSONL and text, rows of CSV and TSV, and items of a JSON list. A file that
    cannot be parsed counts as empty, so that damage never raises the count.
    """
    return sum(_samples_or_none(folder / name) for name in files_of(folder))


def _samples_or_none(path: Path) -> int:
    try:
        return _samples(path) if _is_regular(path) else 0
    except (OSError, csv.Error, EvidenceUnreadable):
        return 0


def _samples(path: Path) -> int:
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".ndjson", ".txt"):
        with path.open("rb") as stream:
            return sum(1 for line in stream if line.strip())
    if suffix in (".csv", ".tsv"):
        with path.open(encoding="utf-8", errors="replace", newline="") as stream:
            rows = csv.reader(stream, delimiter="\t" if suffix == ".tsv" else ",")
            return max(0, sum(1 for row in rows if row) - 1)
    if suffix == ".json":
        try:
            data = orjson.loads(read_evidence(path))
        except orjson.JSONDecodeError:
            return 0
        return len(data) if isinstance(data, list) else 1
    return 0


def sample_findings(case: Case, name: str) -> tuple[Finding, ...]:
    """Return a finding if the dataset has too few samples."""
    rules = case.policy.datasets
    least = rules.min_samples.get(name, rules.default_min_samples)
    present = count_samples(case.project.datasets / name)
    if present >= least:
        return ()
    return (
        finding(
            "datasets.too_few_samples",
            f"datasets/{name}",
            f"{present} samples, the policy asks for {least}",
        ),
    )


@dataclass(frozen=True, slots=True)
class Permission:
    """File or folder with a wrong mode."""

    path: Path
    mode: int
    expected: int
    readable: bool
    """Whether its owner can read it; if not, nothing can be verified."""


def wrong_permissions(root: Path) -> tuple[Permission, ...]:
    """Return the files that the owner cannot read or others can write."""
    found = []
    for path in sorted([root, *root.rglob("*")]) if root.is_dir() else []:
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        needed = 0o500 if path.is_dir() else 0o400
        expected = (mode | needed) & ~0o022
        if expected != mode:
            found.append(Permission(path, mode, expected, mode & needed == needed))
    return tuple(found)


def fix_permissions(wrong: tuple[Permission, ...]) -> None:
    """Set the expected mode of each file."""
    for entry in wrong:
        entry.path.chmod(entry.expected)


def permission_findings(case: Case) -> tuple[Finding, ...]:
    """Return a finding for each file with a wrong mode."""
    found = []
    for entry in wrong_permissions(case.project.datasets):
        code = "datasets.world_writable" if entry.readable else "datasets.permission_denied"
        where = entry.path.relative_to(case.project.root).as_posix()
        found.append(finding(code, where, f"mode {entry.mode:04o}, wanted {entry.expected:04o}"))
    return tuple(found)


def check(case: Case) -> GateResult:
    """Check every dataset of the project and of the report."""
    names = case.project.dataset_names()
    used = _used(case)
    if not names and not used:
        return GateResult("datasets", GateState.SKIPPED, reason="datasets/ holds no dataset")
    found: list[Finding] = []
    for name in sorted({*names, *used}):
        found += verify(case.project.datasets / name)
        if name in names:
            found += sample_findings(case, name)
    found += permission_findings(case)
    for name, sha in used.items():
        manifest = case.project.datasets / name / MANIFEST
        if manifest.is_file() and hash_file(manifest) != sha:
            found.append(
                finding(
                    "datasets.changed",
                    f"datasets/{name}/{MANIFEST}",
                    "the report names another manifest",
                )
            )
    return GateResult("datasets", GateState.RAN, tuple(found), {"datasets": len(names)})


def _used(case: Case) -> dict[str, str]:
    used = [result["dataset"] for result in case.results() if "dataset" in result]
    return {entry["name"]: entry["manifest_sha256"] for entry in used}
