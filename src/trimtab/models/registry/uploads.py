"""Turns an uploaded file into an artifact and its manifest."""

import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import orjson

from trimtab.models.artifacts.content import check_file
from trimtab.models.errors import ArtifactRefused, ArtifactTooLarge, BadManifest
from trimtab.models.packing import MANIFEST_FILE, Description, describe
from trimtab.models.predictors.skops_file import read_estimator, untrusted_types
from trimtab.models.records import Manifest

_MAX_FILES = 1000


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Limits of the content of an upload.

    Attributes:
        max_bytes: The largest artifact, unpacked.
        trusted_types: Types outside of scikit-learn that any artifact may hold.
    """

    max_bytes: int
    trusted_types: tuple[str, ...]


def unpack_bundle(file: Path, folder: Path, limits: UploadLimits) -> Path:
    """Unpack a zip archive of a model folder; return the folder.

    Raises:
        ArtifactRefused, ArtifactTooLarge: It is not an archive, or holds what it must not.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > _MAX_FILES:
                raise ArtifactRefused(f"The archive has more than {_MAX_FILES} files.")
            if sum(member.file_size for member in members) > limits.max_bytes:
                raise ArtifactTooLarge("The archive unpacks to more than is allowed.")
            root = folder.resolve()
            for member in members:
                target = (root / member.filename).resolve()
                if not target.is_relative_to(root):
                    raise ArtifactRefused("The archive has a file outside of its folder.")
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, target.open("xb") as copy:
                    shutil.copyfileobj(source, copy)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise ArtifactRefused(f"The archive cannot be unpacked: {error}.") from error
    return folder


def read_folder(folder: Path, name: str) -> Manifest:
    """Take ``manifest.json`` out of a model folder and return it; the rest is the artifact.

    Raises:
        BadManifest: There is none, or it is wrong.
    """
    file = folder / MANIFEST_FILE
    if not file.is_file():
        raise BadManifest(
            f"The folder has no {MANIFEST_FILE}.",
            hint="Write one with `trimtab.models.packing.pack`, or register a .skops file.",
        )
    body = file.read_bytes()
    file.unlink()
    return parse_manifest(body, name)


def parse_manifest(body: bytes, name: str) -> Manifest:
    """Return the manifest of a JSON text, for the model of that name.

    Raises:
        BadManifest: It is not JSON, or a field is missing or wrong.
    """
    try:
        found = orjson.loads(body)
        if not isinstance(found, dict):
            raise ValueError("it is not an object")
        return Manifest.from_json({"files": {}, **found, "name": name})
    except ValueError as error:
        raise BadManifest(f"The manifest is not valid: {_first_problem(error)}.") from error


def draft_manifest(file: Path, described: Description, limits: UploadLimits) -> Manifest:
    """Return the manifest of a bare ``.skops`` file, described by sample rows.

    Args:
        file: The uploaded artifact; it is checked before anything of it is loaded.
        described: The sample, and what a person states.
        limits: Of the artifact.

    Raises:
        ArtifactRefused, ArtifactTooLarge, UntrustedTypes, BadManifest, InvalidRows: It cannot be
        registered.
    """
    if file.suffix.lower() != ".skops":
        check_file(file, limits.max_bytes)
        raise ArtifactRefused(
            f"{file.name} needs a manifest.",
            hint="Register a folder with manifest.json; only a .skops file can do without.",
        )
    check_file(file, limits.max_bytes)
    estimator, saved = read_estimator(file, limits.trusted_types)
    trusted = tuple(name for name in untrusted_types(file) if name in limits.trusted_types)
    manifest = describe(estimator, described).changed(trusted_types=trusted)
    return manifest.changed(libraries={**manifest.libraries, **saved})


def _first_problem(error: ValueError) -> str:
    problems = getattr(error, "errors", None)
    if problems is None:
        return str(error)[:200]
    first = problems(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}"[:200]
