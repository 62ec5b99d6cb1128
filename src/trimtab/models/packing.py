"""Describes an estimator by sample rows: schema, golden batch, edges and library versions.

`pack` is for the end of a training script; the registry drafts a manifest in the same way when a
bare ``.skops`` file is registered with sample rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from trimtab.kernel.ids import sha256_hex
from trimtab.models.edges import edges_of_numbers, edges_of_rows
from trimtab.models.errors import BadManifest
from trimtab.models.predictors.skops_file import installed
from trimtab.models.records import (
    ColumnKind,
    Flavour,
    GoldenBatch,
    InputColumn,
    InputSchema,
    JsonObject,
    Manifest,
    ModelBaseline,
)
from trimtab.models.rows import Outputs, parse_rows

MANIFEST_FILE = "manifest.json"
MODEL_FILE = "model.skops"
_GOLDEN_ROWS = 32
_MAX_CATEGORIES = 50
_LONG_TEXT = 60
_LIBRARIES = ("scikit-learn", "numpy", "scipy", "skops", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Description:
    """Describes a model by sample rows and stated facts; the rest is derived.

    Attributes:
        name: Of the model.
        sample: Rows of the training data, without the label: at least one.
        positive: The class that scores are about; of two classes the second, if not given.
        schema: The columns; derived from the sample when None.
        metrics: Measured on data that the model has not seen.
        parent: Version that it replaces; 0 for none.
        card: The model card, as Markdown.
        data_sha256: Hash of the training data; that of the sample when empty.
        trusted_types: Types outside of scikit-learn that the artifact may hold.
        libraries: Versions it was saved with; those of this process when empty.
    """

    name: str
    sample: Sequence[JsonObject]
    positive: str = ""
    schema: InputSchema | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    parent: int = 0
    card: str = ""
    data_sha256: str = ""
    trusted_types: tuple[str, ...] = ()
    libraries: Mapping[str, str] = field(default_factory=dict)


def pack(estimator: Any, description: Description, folder: Path) -> Manifest:
    """Write a fitted estimator with its manifest into a folder that `models register` takes.

    The golden outputs are those of this process, so a service that computes anything else refuses
    to serve the model.
    """
    from skops.io import dump

    manifest = describe(estimator, description)
    folder.mkdir(parents=True, exist_ok=True)
    dump(estimator, str(folder / MODEL_FILE))
    body = {key: value for key, value in manifest.to_json().items() if key != "files"}
    (folder / MANIFEST_FILE).write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2))
    return manifest


def describe(estimator: Any, description: Description) -> Manifest:
    """Return the manifest of a scikit-learn estimator, with the outputs that it gives now.

    Raises:
        BadManifest: The estimator cannot be served, or the sample does not fit it.
        InvalidRows: Rows of the sample differ from each other.
    """
    from copy import deepcopy

    from trimtab.models.predictors.sklearn_model import SklearnPredictor, class_labels

    if not description.sample:
        raise BadManifest("There are no sample rows.", hint="Give some rows of the training data.")
    classes = class_labels(estimator)
    schema = description.schema or infer_schema(description.sample, _trained_columns(estimator))
    rows = parse_rows(schema, description.sample)
    draft = Manifest(
        name=description.name,
        flavour=Flavour.SKOPS,
        files={},
        schema=schema,
        golden=GoldenBatch((), ()),
        classes=classes,
        positive=description.positive or (classes[1] if len(classes) == 2 else ""),
        metrics=dict(description.metrics),
        libraries=dict(description.libraries) or library_versions(),
        trusted_types=description.trusted_types,
        data_sha256=description.data_sha256 or sha256_hex(orjson.dumps(list(description.sample))),
        parent=description.parent,
        card=description.card,
    )
    # The predictor takes column names off the estimator, which belongs to the caller.
    outputs = SklearnPredictor(deepcopy(estimator), draft).predict(rows)
    chosen = golden_positions(len(rows))
    shown = outputs.to_json()
    return draft.changed(
        golden=GoldenBatch(
            tuple(dict(description.sample[at]) for at in chosen),
            tuple(plain(shown[at]) for at in chosen),
        ),
        edges=edges_of_rows(schema.columns, rows),
        score_edges=edges_of_numbers("score", outputs.values),
        baseline=_baseline(outputs),
    )


def _baseline(outputs: Outputs) -> ModelBaseline:
    if outputs.probabilities is None:
        return ModelBaseline(number=float(outputs.values.mean()))
    shares = outputs.probabilities.mean(axis=0).tolist()
    return ModelBaseline(dict(zip(outputs.classes, shares, strict=True)))


def golden_positions(count: int) -> list[int]:
    """Return at most 32 positions spread evenly over the rows."""
    number = min(_GOLDEN_ROWS, count)
    return sorted({round(at) for at in np.linspace(0, count - 1, number)})


def plain(output: JsonObject) -> JsonObject:
    """Return an output as it is after JSON: NaN as None."""
    found: JsonObject = orjson.loads(orjson.dumps(output))
    return found


def library_versions() -> dict[str, str]:
    """Return the installed versions of the libraries that models run on."""
    return {name: found for name in _LIBRARIES if (found := installed(name))}


def infer_schema(sample: Sequence[JsonObject], order: tuple[str, ...] = ()) -> InputSchema:
    """Return the columns of sample rows: numbers, booleans, categories or free texts.

    A text column is a category when it has at most 50 values, none longer than 60 characters, and
    each occurs twice on average. A column with a missing value is not required.

    Args:
        sample: Rows of the training data.
        order: The columns that the estimator was trained with; those of the first row if empty.
    """
    names = order or tuple(sample[0])
    return InputSchema(tuple(_infer(name, [row.get(name) for row in sample]) for name in names))


def _infer(name: str, values: list[Any]) -> InputColumn:
    known = [value for value in values if value is not None]
    required = len(known) == len(values)
    types = set(map(type, known))
    if types <= {bool} and known:
        return InputColumn(name, ColumnKind.BOOLEAN, required)
    if types <= {int, float}:
        return InputColumn(name, ColumnKind.NUMBER, required)
    if types != {str}:
        raise BadManifest(
            f"Column {name!r} of the sample holds values of several types.",
            hint="Give numbers, texts, or true and false in one column.",
        )
    distinct = set(known)
    is_category = (
        len(distinct) <= min(_MAX_CATEGORIES, max(1, len(known) // 2))
        and max(map(len, distinct)) <= _LONG_TEXT
    )
    return InputColumn(name, ColumnKind.CATEGORY if is_category else ColumnKind.TEXT, required)


def _trained_columns(estimator: Any) -> tuple[str, ...]:
    return tuple(str(name) for name in getattr(estimator, "feature_names_in_", ()))
