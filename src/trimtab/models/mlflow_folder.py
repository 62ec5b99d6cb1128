"""Reads and writes model folders of MLflow: ``MLmodel`` with the sklearn-skops or onnx flavour."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from trimtab.infra.yaml_loader import UntrustedLoader
from trimtab.models.errors import ArtifactRefused, BadManifest
from trimtab.models.records import (
    ColumnKind,
    Flavour,
    InputColumn,
    InputSchema,
    JsonObject,
    Manifest,
)

MLMODEL = "MLmodel"
_KINDS: Mapping[str, ColumnKind] = {
    "double": ColumnKind.NUMBER,
    "float": ColumnKind.NUMBER,
    "integer": ColumnKind.NUMBER,
    "long": ColumnKind.NUMBER,
    "boolean": ColumnKind.BOOLEAN,
    "string": ColumnKind.TEXT,
}
_TYPES: Mapping[ColumnKind, str] = {
    ColumnKind.NUMBER: "double",
    ColumnKind.BOOLEAN: "boolean",
    ColumnKind.CATEGORY: "string",
    ColumnKind.TEXT: "string",
}


@dataclass(frozen=True, slots=True)
class MlflowModel:
    """A model folder of MLflow.

    Attributes:
        file: The artifact.
        flavour: What loads it.
        schema: The inputs of its signature; None without one.
        example: Rows of its input example; empty without one.
    """

    file: Path
    flavour: Flavour
    schema: InputSchema | None
    example: tuple[JsonObject, ...]


def read_mlflow(folder: Path) -> MlflowModel:
    """Return what an MLflow folder holds.

    Raises:
        ArtifactRefused: Its model is a pickle, or of a flavour that cannot be served.
        BadManifest: ``MLmodel`` is missing or wrong.
    """
    try:
        text = (folder / MLMODEL).read_text(encoding="utf-8")
        body = yaml.load(text, Loader=UntrustedLoader)  # noqa: S506 - it is safe.
        flavours = body["flavors"]
        file, flavour = _artifact(folder, flavours)
        signature = body.get("signature") or {}
        inputs = json.loads(signature["inputs"]) if signature.get("inputs") else None
        schema = None if inputs is None else _schema(inputs)
        example = _example(folder, body.get("saved_input_example_info") or {})
    except (
        OSError,
        AttributeError,
        KeyError,
        RecursionError,
        TypeError,
        ValueError,
        yaml.YAMLError,
    ) as error:
        raise BadManifest(f"{folder.name} is not an MLflow model folder: {error}.") from error
    return MlflowModel(file, flavour, schema, example)


def write_mlflow(folder: Path, manifest: Manifest) -> None:
    """Write ``MLmodel`` and ``requirements.txt`` next to the files of a version.

    Raises:
        BadManifest: MLflow has no flavour for it.
    """
    names = sorted(manifest.files)
    if manifest.flavour is Flavour.SKOPS:
        flavour: dict[str, Any] = {
            "sklearn": {
                "pickled_model": names[0],
                "serialization_format": "skops",
                "sklearn_version": manifest.libraries.get("scikit-learn", ""),
            }
        }
    elif manifest.flavour is Flavour.ONNX:
        flavour = {"onnx": {"data": names[0]}}
    else:
        raise BadManifest("MLflow has no flavour for a model of the flavour trimtab.")
    inputs = [
        {"name": each.name, "type": _TYPES[each.kind], "required": each.required}
        for each in manifest.schema.columns
    ]
    example = {
        "columns": list(manifest.schema.names),
        "data": [[row.get(n) for n in manifest.schema.names] for row in manifest.golden.rows[:5]],
    }
    body = {
        "flavors": flavour,
        "signature": {"inputs": json.dumps(inputs)},
        "saved_input_example_info": {
            "artifact_path": "input_example.json",
            "type": "dataframe",
            "pandas_orient": "split",
        },
        "metadata": {"sha256": manifest.digest},
    }
    (folder / MLMODEL).write_text(yaml.safe_dump(body, sort_keys=False), encoding="utf-8")
    (folder / "input_example.json").write_text(json.dumps(example), encoding="utf-8")
    lines = [f"{name}=={version}\n" for name, version in sorted(manifest.libraries.items())]
    (folder / "requirements.txt").write_text("".join(lines), encoding="utf-8")


def _artifact(folder: Path, flavours: Mapping[str, Any]) -> tuple[Path, Flavour]:
    sklearn, onnx = flavours.get("sklearn"), flavours.get("onnx")
    if sklearn is not None:
        file = _inside(folder, str(sklearn["pickled_model"]))
        if sklearn.get("serialization_format") != "skops":
            raise ArtifactRefused(
                f"{file.name} is a {sklearn.get('serialization_format', 'pickle')} file.",
                hint="Save it with `mlflow.sklearn.save_model(..., serialization_format='skops')`.",
            )
        return file, Flavour.SKOPS
    if onnx is not None:
        return _inside(folder, str(onnx["data"])), Flavour.ONNX
    raise ArtifactRefused(
        f"The folder has the flavours {', '.join(sorted(flavours))}.",
        hint="Only sklearn in the skops format and onnx can be served.",
    )


def _inside(folder: Path, name: str) -> Path:
    file = (folder / name).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise ValueError(f"{name} is not a file of the folder")
    return file


def _schema(inputs: list[Mapping[str, Any]]) -> InputSchema:
    columns = []
    for item in inputs:
        kind = _KINDS.get(str(item.get("type")))
        if kind is None or "name" not in item:
            raise BadManifest(
                f"The signature has an input of type {item.get('type')!r}.",
                hint=f"Columns of the types {', '.join(_KINDS)} can be served.",
            )
        columns.append(InputColumn(item["name"], kind, bool(item.get("required", True))))
    return InputSchema(tuple(columns))


def _example(folder: Path, info: Mapping[str, Any]) -> tuple[JsonObject, ...]:
    if info.get("pandas_orient") != "split" or "artifact_path" not in info:
        return ()
    body = json.loads(_inside(folder, info["artifact_path"]).read_text(encoding="utf-8"))
    return tuple(dict(zip(body["columns"], row, strict=True)) for row in body["data"])
