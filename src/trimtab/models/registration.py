"""Registers uploaded files: a ``.skops`` file with sample rows, or an archive with a manifest."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from trimtab.infra.storage import translate_errors
from trimtab.models.context import ModelsContext
from trimtab.models.errors import ArtifactRefused, BadManifest
from trimtab.models.mlflow_folder import MLMODEL, read_mlflow
from trimtab.models.packing import Description
from trimtab.models.records import Flavour, JsonObject, Manifest, ModelVersion
from trimtab.models.registry import Registry
from trimtab.models.registry.manifests import check_name
from trimtab.models.registry.uploads import (
    UploadLimits,
    draft_manifest,
    parse_manifest,
    read_folder,
    unpack_bundle,
)


@dataclass(frozen=True, slots=True)
class ModelUpload:
    """An artifact to register, as it was sent.

    Attributes:
        name: Of the model.
        filename: Of the artifact: ``.skops`` or ``.onnx``, or ``.zip`` of a model folder.
        content: Its bytes.
        manifest: The manifest as JSON; empty when it is in the archive or to be drafted.
        sample: Rows of the training data, to draft the manifest from.
        positive: The class that scores are about.
        metrics: Measured on data that the model has not seen.
        parent: Version that it replaces; 0 for none.
        card: The model card, as Markdown.
        data_sha256: Hash of the training data.
        accept_libraries: Whether another version of scikit-learn may have saved it.
    """

    name: str
    filename: str
    content: BinaryIO
    manifest: bytes = b""
    sample: Sequence[JsonObject] = ()
    positive: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    parent: int = 0
    card: str = ""
    data_sha256: str = ""
    accept_libraries: bool = False


class Registration:
    """Registers uploads, all or nothing.

    Args:
        context: Of the domain.
        registry: Keeps the versions.
    """

    def __init__(self, context: ModelsContext, registry: Registry) -> None:
        self._registry = registry
        self._root = registry.artifacts.root
        settings = context.settings
        self._limits = UploadLimits(int(settings.max_artifact_mb * 1e6), settings.trusted_types)

    def register(self, upload: ModelUpload, actor: str) -> ModelVersion:
        """Register an upload; see `Registry.register` for its errors."""
        check_name(upload.name)
        with TemporaryDirectory(prefix="upload-", dir=self._root) as temporary:
            folder = Path(temporary)
            file = folder / _file_name(upload.filename)
            with translate_errors(file), file.open("xb") as copy:
                shutil.copyfileobj(upload.content, copy)
            source, manifest = self._read(upload, file, folder / "unpacked")
            return self._registry.register(
                source, manifest, actor, accept_libraries=upload.accept_libraries
            )

    def _read(self, upload: ModelUpload, file: Path, unpacked: Path) -> tuple[Path, Manifest]:
        """Return the artifact and its manifest."""
        if file.suffix.lower() == ".zip":
            unpacked.mkdir()
            folder = unpack_bundle(file, unpacked, self._limits)
            if upload.manifest:
                return folder, parse_manifest(upload.manifest, upload.name)
            if (folder / MLMODEL).is_file():
                return self._read_mlflow(upload, folder)
            return folder, read_folder(folder, upload.name)
        if upload.manifest:
            return file, parse_manifest(upload.manifest, upload.name)
        return file, draft_manifest(file, self._described(upload, upload.sample), self._limits)

    def _read_mlflow(self, upload: ModelUpload, folder: Path) -> tuple[Path, Manifest]:
        found = read_mlflow(folder)
        if found.flavour is not Flavour.SKOPS:
            raise BadManifest(
                "An ONNX model needs a golden batch of the model that it was converted from.",
                hint="Send its manifest too: the one of that version, with the flavour onnx.",
            )
        described = self._described(upload, upload.sample or found.example)
        # Texts of a signature may be categories, which only the sample tells.
        is_typed = found.schema is not None and found.schema.is_numeric
        described = replace(described, schema=found.schema if is_typed else None)
        return found.file, draft_manifest(found.file, described, self._limits)

    def _described(self, upload: ModelUpload, sample: Sequence[JsonObject]) -> Description:
        return Description(
            name=upload.name,
            sample=sample,
            positive=upload.positive,
            metrics=upload.metrics,
            parent=upload.parent,
            card=upload.card,
            data_sha256=upload.data_sha256,
        )


def _file_name(given: str) -> str:
    """Return the name of an uploaded file without its folders."""
    name = given.replace("\\", "/").rpartition("/")[2]
    if not name or name.startswith(".") or len(name) > 100:
        raise ArtifactRefused(f"The file name {given[:80]!r} cannot be used.")
    return name
