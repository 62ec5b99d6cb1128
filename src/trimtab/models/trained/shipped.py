"""The weights that come with this package."""

from collections.abc import Sequence
from pathlib import Path

import orjson

from trimtab.infra.settings.sections.models import ModelsSettings
from trimtab.models.errors import ArtifactCorrupt
from trimtab.models.ports import Predictor, TextEncoder
from trimtab.models.predictors import load_predictor
from trimtab.models.records import Manifest
from trimtab.models.registry.golden import check_golden
from trimtab.models.trained import predictor_loader
from trimtab.models.trained.assembly import MANIFEST_FILE
from trimtab.models.trained.datasets import file_sha256
from trimtab.models.trained.errors import TrainerUnknown

FOLDER = Path(__file__).with_name("weights")
_TRUSTED = ModelsSettings().trusted_types


def shipped_names() -> list[str]:
    """Return the names of the models whose weights come with this package."""
    return sorted(file.parent.name for file in FOLDER.glob(f"*/{MANIFEST_FILE}"))


def shipped_folder(name: str) -> Path:
    """Return the folder of shipped weights; raises `TrainerUnknown` when there are none."""
    name = "fraud-classifier" if name == "classifier_v2" else name
    if name not in shipped_names():
        raise TrainerUnknown(
            f"This package ships no weights of {name[:80]!r}.",
            hint=f"Train it: trimtab models train {name[:80]} --data DIR --out DIR.",
        )
    return FOLDER / name


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a folder that `TrainedModel.write` wrote.

    Raises:
        ArtifactCorrupt: It is missing or has another format.
    """
    file = folder / MANIFEST_FILE
    try:
        body = orjson.loads(file.read_bytes())
        files = {path.name: file_sha256(path) for path in folder.iterdir() if path != file}
        return Manifest.from_json(body | {"files": files})
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactCorrupt(f"{file} cannot be read as a manifest: {error}.") from error


def load_folder(
    folder: Path, encoder: TextEncoder, trusted_types: Sequence[str] = _TRUSTED
) -> Predictor:
    """Return the predictor of a folder, proven by its golden batch in this process.

    Args:
        folder: Holds the files and their manifest.
        encoder: The embedding model.
        trusted_types: Types that a skops file may hold beyond those that skops trusts; what the
            manifest itself names is not trusted.
    """
    manifest = read_manifest(folder)
    predictor = load_predictor(folder, manifest, encoder, predictor_loader, trusted_types)
    check_golden(predictor, manifest, manifest.name)
    return predictor
