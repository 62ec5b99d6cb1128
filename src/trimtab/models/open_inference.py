"""Open Inference Protocol (V2): tensors to rows, and predictions to tensors.

The protocol of KServe, MLServer and Triton:
https://github.com/kserve/open-inference-protocol.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.models.errors import InvalidRows
from trimtab.models.records import ColumnKind, InputSchema, JsonObject, ModelVersion
from trimtab.models.serving.records import Prediction

_NUMBERS = frozenset(f"{kind}{bits}" for kind in ("INT", "UINT") for bits in (8, 16, 32, 64)) | {
    "FP16",
    "FP32",
    "FP64",
    "BOOL",
}
_TYPES: Mapping[ColumnKind, str] = {
    ColumnKind.NUMBER: "FP64",
    ColumnKind.BOOLEAN: "BOOL",
    ColumnKind.CATEGORY: "BYTES",
    ColumnKind.TEXT: "BYTES",
}
_MAX_ID = 100


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input of the protocol."""

    name: str
    shape: tuple[int, ...]
    datatype: str
    data: list[Any]
    """Flat, in row-major order."""


@dataclass(frozen=True, slots=True)
class InferRequest:
    """A request of the protocol."""

    id: str
    inputs: tuple[Tensor, ...]

    @classmethod
    def of(cls, body: Any) -> "InferRequest":
        """Return the request of a JSON body.

        Raises:
            InvalidRows: The body is not a request of the protocol.
        """
        inputs = body.get("inputs") if isinstance(body, dict) else None
        if not isinstance(inputs, list) or not inputs:
            raise InvalidRows(
                "The body has no list `inputs`.",
                hint='Send {"inputs": [{"name", "shape", "datatype", "data"}, ...]}.',
            )
        given = body.get("id", "")
        if not isinstance(given, str) or len(given) > _MAX_ID:
            raise InvalidRows(f"`id` is not a text of at most {_MAX_ID} characters.")
        return cls(given, tuple(_tensor(item) for item in inputs))

    def rows(self, schema: InputSchema) -> list[JsonObject]:
        """Return the rows of the tensors.

        One tensor with as many columns as the schema is a matrix; else each tensor is the column
        of its name.

        Raises:
            InvalidRows: Shapes or names do not fit the schema.
        """
        names = schema.names
        first = self.inputs[0]
        if len(self.inputs) == 1 and len(first.shape) == 2 and first.shape[1] == len(names):
            width = len(names)
            return [
                dict(zip(names, first.data[at : at + width], strict=True))
                for at in range(0, len(first.data), width)
            ]
        counts = {tensor.shape[0] for tensor in self.inputs}
        if len(counts) != 1 or any(math.prod(t.shape[1:]) != 1 for t in self.inputs):
            raise InvalidRows(
                "The tensors are neither one matrix nor columns of one length.",
                hint=f"Send a matrix of {len(names)} columns, or one tensor for each column.",
            )
        columns = {tensor.name: tensor.data for tensor in self.inputs}
        return [
            {name: values[at] for name, values in columns.items()} for at in range(counts.pop())
        ]


def _tensor(item: Any) -> Tensor:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        raise InvalidRows("An input is not an object with a name.")
    name, shape, datatype = item["name"], item.get("shape"), item.get("datatype")
    if (
        not isinstance(shape, list)
        or not 1 <= len(shape) <= 8
        or not all(type(size) is int and size >= 0 for size in shape)
    ):
        raise InvalidRows(f"The shape of {name[:80]!r} is not a list of sizes.")
    if datatype not in _NUMBERS and datatype != "BYTES":
        raise InvalidRows(f"The datatype of {name[:80]!r} is none of the protocol.")
    data = _flat(item.get("data"))
    if len(data) != math.prod(shape):
        raise InvalidRows(f"{name[:80]!r} has {len(data)} values; its shape asks for others.")
    return Tensor(name, tuple(shape), datatype, data)


def _flat(data: Any) -> list[Any]:
    """Return the values of nested lists, in order; raises `InvalidRows`."""
    if not isinstance(data, list):
        raise InvalidRows("An input has no list `data`.")
    flat: list[Any] = data
    while flat and isinstance(flat[0], list):
        if not all(isinstance(part, list) for part in flat):
            raise InvalidRows("The data of an input mixes lists and values.")
        flat = [value for part in flat for value in part]
    return flat


@dataclass(frozen=True, slots=True)
class OutputTensor:
    """One output of the protocol."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float] | list[str]
    """Flat, in row-major order."""


@dataclass(frozen=True, slots=True)
class InferParameters:
    """Model version and kind of outcome behind the outputs."""

    served_by: str
    outcome: str


@dataclass(frozen=True, slots=True)
class InferResponse:
    """A response of the protocol."""

    model_name: str
    model_version: str
    id: str
    parameters: InferParameters
    outputs: list[OutputTensor]


@dataclass(frozen=True, slots=True)
class TensorMetadata:
    """Name, type and shape of an input or output; -1 is any size."""

    name: str
    datatype: str
    shape: list[int]


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """Metadata of the protocol for a model."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


def infer_response(found: Prediction) -> InferResponse:
    """Return the response of the protocol for a prediction."""
    outputs, count = found.outputs, len(found.outputs)
    tensors = [OutputTensor("predict", "FP64", [count], outputs.values.tolist())]
    if outputs.labels is not None:
        labels = [outputs.classes[at] for at in outputs.labels.tolist()]
        tensors.insert(0, OutputTensor("label", "BYTES", [count], labels))
    if outputs.probabilities is not None:
        shape = [count, len(outputs.classes)]
        flat = outputs.probabilities.ravel().tolist()
        tensors.append(OutputTensor("probabilities", "FP64", shape, flat))
    return InferResponse(
        found.model,
        str(found.version),
        found.request_id,
        InferParameters(found.served_by, found.outcome),
        tensors,
    )


def model_metadata(version: ModelVersion, versions: list[str]) -> ModelMetadata:
    """Return the metadata of the protocol for a version."""
    manifest = version.manifest
    outputs = [TensorMetadata("predict", "FP64", [-1])]
    if manifest.classes:
        classes = len(manifest.classes)
        outputs.insert(0, TensorMetadata("label", "BYTES", [-1]))
        outputs.append(TensorMetadata("probabilities", "FP64", [-1, classes]))
    inputs = [
        TensorMetadata(column.name, _TYPES[column.kind], [-1]) for column in manifest.schema.columns
    ]
    platform = f"trimtab_{manifest.flavour}"
    return ModelMetadata(version.name, versions, platform, inputs, outputs)
