"""Checks every file of every model: kind, hash, and the version of the library that loads it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from trimtab.models.artifacts.content import check_file, files_below
from trimtab.models.artifacts.folder import hash_file
from trimtab.models.errors import ArtifactRefused, ArtifactTooLarge
from trimtab.models.predictors.skops_file import SKLEARN, installed
from trimtab.models.records import Flavour, ModelVersion
from trimtab.models.service import Models

_LIBRARIES: Mapping[Flavour, str] = {
    Flavour.SKOPS: SKLEARN,
    Flavour.ONNX: "onnxruntime",
    Flavour.TRIMTAB: "numpy",
}
_ENCODER_LIBRARY = "ctranslate2"
_UNREGISTERED = "no version"


class EncoderFiles(Protocol):
    """The embedding model on disk."""

    @property
    def folder(self) -> Path:
        """Return its folder."""
        ...

    def problem(self) -> str:
        """Return what is wrong with its files; empty when nothing is."""
        ...


@dataclass(frozen=True, slots=True)
class FileCheck:
    """Result of checking one file.

    Attributes:
        owner: ``name@version``, ``embedding model``, or ``no version`` for a file of none.
        file: Its name.
        kind: Its suffix without the dot.
        size: In bytes; 0 when it is missing.
        sha256: Of its content; empty when it is missing.
        library: The distribution that loads it; empty when none does.
        saved_with: The version of that library in the manifest; empty when it is not stated.
        installed: The version of this process; empty when it is not installed.
        problem: What is wrong; empty when nothing is.
        fix: The next step; empty without a problem.
    """

    owner: str
    file: str
    kind: str
    size: int = 0
    sha256: str = ""
    library: str = ""
    saved_with: str = ""
    installed: str = ""
    problem: str = ""
    fix: str = ""


def check_files(models: Models, encoder: EncoderFiles) -> list[FileCheck]:
    """Return the checks of all versions, of foreign files, and of the embedding model."""
    registry = models.registry
    versions = [version for name in registry.names() for version in registry.versions(name)]
    found = [check for version in versions for check in _of_version(models, version)]
    known = {version.digest for version in versions}
    root = registry.artifacts.root
    for path in sorted(root.iterdir()):
        if path.name not in known:
            found += check_folder(path, models.registry.artifacts.max_bytes)
    return found + list(_of_encoder(encoder))


def check_folder(path: Path, max_bytes: int) -> list[FileCheck]:
    """Return the checks of files that belong to no version, such as those of ``/models``."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [_foreign(file, max_bytes) for file in files if file.is_file()]


def _foreign(file: Path, max_bytes: int) -> FileCheck:
    try:
        check_file(file, max_bytes)
    except (ArtifactRefused, ArtifactTooLarge) as error:
        return _described(
            _UNREGISTERED, file, problem=f"refused: {error.message}", fix=error.hint()
        )
    return _described(_UNREGISTERED, file)


def _of_version(models: Models, version: ModelVersion) -> Iterator[FileCheck]:
    manifest = version.manifest
    folder = models.registry.artifacts.path(version.digest)
    library = _LIBRARIES[manifest.flavour]
    saved, current = manifest.libraries.get(library, ""), installed(library)
    mismatch = library_problem(manifest.flavour, library, saved, current)
    repair = f"trimtab models verify {version.name} --repair"
    for name, expected in manifest.files.items():
        file = folder / name
        if not file.is_file():
            yield FileCheck(
                version.ref, name, _kind(file), problem="is missing", fix=f"Run {repair}."
            )
            continue
        digest = hash_file(file)
        problem, fix = mismatch
        if digest != expected:
            problem, fix = "its SHA-256 is not that of the manifest", f"Run {repair}."
        yield FileCheck(
            version.ref,
            name,
            _kind(file),
            file.stat().st_size,
            digest,
            library,
            saved,
            current,
            problem,
            fix,
        )
    if folder.is_dir():
        for name, file in files_below(folder):
            if name not in manifest.files:
                yield _foreign(file, models.registry.artifacts.max_bytes)


def library_problem(flavour: Flavour, library: str, saved: str, current: str) -> tuple[str, str]:
    """Return what is wrong with the installed library and how to install the right one."""
    requirement = f"{library}=={saved}" if saved else library
    install = f"Run: pip install '{requirement}'"
    if not current:
        return f"{library} is not installed", install
    if not saved or saved == current:
        return "", ""
    # A file of scikit-learn is bound to its minor version; ONNX and arrays to a major one.
    digits = 2 if flavour is Flavour.SKOPS else 1
    if saved.split(".")[:digits] == current.split(".")[:digits]:
        return "", ""
    return f"saved with {library} {saved}; {current} is installed", install


def _of_encoder(encoder: EncoderFiles) -> Iterator[FileCheck]:
    problem = encoder.problem()
    current = installed(_ENCODER_LIBRARY)
    fix = "Run: trimtab act knowledge.embedding.reinstall" if problem else ""
    if not current:
        problem, fix = (
            f"{_ENCODER_LIBRARY} is not installed",
            f"Run: pip install {_ENCODER_LIBRARY}",
        )
    files = sorted(encoder.folder.iterdir()) if encoder.folder.is_dir() else []
    for file in (each for each in files if each.is_file()):
        yield _described(
            "embedding model",
            file,
            library=_ENCODER_LIBRARY,
            installed=current,
            problem=problem,
            fix=fix,
        )
    if not files:
        yield FileCheck("embedding model", "", "", problem=problem or "is not made yet", fix=fix)


def _described(owner: str, file: Path, **facts: str) -> FileCheck:
    return FileCheck(owner, file.name, _kind(file), file.stat().st_size, hash_file(file), **facts)


def _kind(file: Path) -> str:
    return file.suffix.lower().removeprefix(".")
