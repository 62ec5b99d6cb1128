"""Loads the files of a version as a predictor, by its flavour."""

from collections.abc import Callable
from pathlib import Path

from trimtab.models.errors import ArtifactRefused
from trimtab.models.ports import Predictor, PredictorLoader, TextEncoder
from trimtab.models.records import Flavour, Manifest

PredictorTable = Callable[[str], PredictorLoader]
"""Returns the loader of a predictor of the flavour ``trimtab``; raises `BadManifest`."""


def load_predictor(
    folder: Path, manifest: Manifest, encoder: TextEncoder, own: PredictorTable
) -> Predictor:
    """Return the predictor of files that have been checked.

    Raises:
        UntrustedTypes, LibraryMismatch, LibraryMissing, ArtifactRefused, BadManifest: It cannot be
        loaded.
    """
    match manifest.flavour:
        case Flavour.SKOPS:
            from trimtab.models.predictors.sklearn_model import SklearnPredictor
            from trimtab.models.predictors.skops_file import load_estimator

            estimator = load_estimator(_only(folder, manifest, ".skops"), manifest)
            return SklearnPredictor(estimator, manifest)
        case Flavour.ONNX:
            from trimtab.models.predictors.onnx_model import OnnxPredictor

            return OnnxPredictor(_only(folder, manifest, ".onnx"), manifest)
        case Flavour.TRIMTAB:
            return own(manifest.predictor)(folder, manifest, encoder)


def _only(folder: Path, manifest: Manifest, suffix: str) -> Path:
    """Return the one file with that suffix."""
    found = [name for name in manifest.files if name.endswith(suffix)]
    if len(found) != 1:
        raise ArtifactRefused(
            f"An artifact of the flavour {manifest.flavour} has one {suffix} file, not"
            f" {len(found)}."
        )
    return folder / found[0]
