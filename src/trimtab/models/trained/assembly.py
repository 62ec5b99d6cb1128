"""A trained model with everything that its registration needs."""

import io
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from trimtab.models.packing import library_versions, plain
from trimtab.models.ports import Predictor, PredictorLoader, TextEncoder
from trimtab.models.records import Flavour, GoldenBatch, InputSchema, JsonObject, Manifest
from trimtab.models.rows import parse_rows

Figures = Mapping[str, float]

MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A fitted model: its manifest, the bytes of its files and what was measured.

    Attributes:
        manifest: Complete, with golden batch, metrics and model card.
        content: Bytes of each file of the artifact, by name.
        baselines: Figures of simpler models on the same rows, by name.
    """

    manifest: Manifest
    content: Mapping[str, bytes]
    baselines: Mapping[str, Figures]

    def write(self, folder: Path) -> None:
        """Write the artifact and its manifest into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.write_artifact(folder)
        body = {key: value for key, value in self.manifest.to_json().items() if key != "files"}
        (folder / MANIFEST_FILE).write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2))

    def write_artifact(self, folder: Path) -> None:
        """Write the files of the artifact alone, as the registry takes them."""
        for name, content in self.content.items():
            (folder / name).write_bytes(content)

    def report(self) -> dict[str, Any]:
        """Return the figures as a JSON object."""
        return {
            "model": self.manifest.name,
            "metrics": dict(self.manifest.metrics),
            "baselines": {name: dict(figures) for name, figures in self.baselines.items()},
            "data_sha256": self.manifest.data_sha256,
            "bytes": sum(map(len, self.content.values())),
        }


@dataclass(frozen=True, slots=True)
class OwnModel:
    """A model of the flavour ``trimtab`` before its golden batch is computed."""

    name: str
    schema: InputSchema
    classes: tuple[str, ...]
    content: Mapping[str, bytes]
    golden_rows: Sequence[JsonObject]
    metrics: Figures
    card: str
    data_sha256: str
    baselines: Mapping[str, Figures] = field(default_factory=dict)
    positive: str = ""


def assemble(model: OwnModel, load: PredictorLoader, encoder: TextEncoder) -> TrainedModel:
    """Return the model with the outputs that its files give in this process."""
    draft = Manifest(
        name=model.name,
        flavour=Flavour.TRIMTAB,
        files={name: sha256(content).hexdigest() for name, content in model.content.items()},
        schema=model.schema,
        golden=GoldenBatch((), ()),
        classes=model.classes,
        positive=model.positive,
        predictor=model.name,
        metrics=model.metrics,
        libraries={"numpy": library_versions()["numpy"]},
        data_sha256=model.data_sha256,
        card=model.card,
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in model.content.items():
            (folder / file).write_bytes(content)
        golden = golden_batch(load(folder, draft, encoder), model.schema, model.golden_rows, 1e-3)
    return TrainedModel(draft.changed(golden=golden), model.content, model.baselines)


def golden_batch(
    predictor: Predictor, schema: InputSchema, rows: Sequence[JsonObject], tolerance: float
) -> GoldenBatch:
    """Return rows with the outputs that a predictor gives in this process."""
    outputs = predictor.predict(parse_rows(schema, rows)).to_json()
    return GoldenBatch(tuple(rows), tuple(plain(output) for output in outputs), tolerance)


def arrays_to_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the arrays as the bytes of a compressed ``.npz`` file, equal for equal arrays."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            member = io.BytesIO()
            np.lib.format.write_array(
                member, np.ascontiguousarray(arrays[name]), allow_pickle=False
            )
            # A fixed time stamp: the bytes depend on the arrays alone.
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy"), member.getvalue(), zipfile.ZIP_DEFLATED
            )
    return target.getvalue()
