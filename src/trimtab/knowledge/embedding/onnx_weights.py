"""Reads named tensors and node wiring of an ONNX file with protobuf alone.

The messages declare only what a conversion needs: initializers with their values, and each node's
operator, inputs and outputs. Field numbers are those of ``onnx.proto``
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto); protobuf skips all other fields.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

_DTYPES = {1: "<f4", 2: "u1", 3: "i1"}  # TensorProto.FLOAT, .UINT8, .INT8
_FIELD = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "trimtab.onnx"
_MESSAGES: dict[str, tuple[tuple[str, int, Any, Any], ...]] = {
    "TensorProto": (
        ("dims", 1, _FIELD.LABEL_REPEATED, _FIELD.TYPE_INT64),
        ("data_type", 2, _FIELD.LABEL_OPTIONAL, _FIELD.TYPE_INT32),
        ("float_data", 4, _FIELD.LABEL_REPEATED, _FIELD.TYPE_FLOAT),
        ("int32_data", 5, _FIELD.LABEL_REPEATED, _FIELD.TYPE_INT32),
        ("name", 8, _FIELD.LABEL_OPTIONAL, _FIELD.TYPE_STRING),
        ("raw_data", 9, _FIELD.LABEL_OPTIONAL, _FIELD.TYPE_BYTES),
    ),
    "NodeProto": (
        ("input", 1, _FIELD.LABEL_REPEATED, _FIELD.TYPE_STRING),
        ("output", 2, _FIELD.LABEL_REPEATED, _FIELD.TYPE_STRING),
        ("op_type", 4, _FIELD.LABEL_OPTIONAL, _FIELD.TYPE_STRING),
    ),
    "GraphProto": (
        ("node", 1, _FIELD.LABEL_REPEATED, "NodeProto"),
        ("initializer", 5, _FIELD.LABEL_REPEATED, "TensorProto"),
    ),
    "ModelProto": (("graph", 7, _FIELD.LABEL_OPTIONAL, "GraphProto"),),
}
"""Fields of each message: name, number, label, and type or name of a message."""

Tensor = NDArray[np.float32] | NDArray[np.int8] | NDArray[np.uint8]


@dataclass(frozen=True)
class OnnxNode:
    """One operator of the graph with the names of its input and output tensors."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class OnnxGraph:
    """The part of an ONNX graph that a weight conversion reads; ``nodes`` keep the file's order."""

    tensors: dict[str, Tensor]
    nodes: tuple[OnnxNode, ...]


def read_graph(path: Path) -> OnnxGraph:
    """Read the tensors and nodes of an ONNX model file.

    Raises:
        OSError: The file cannot be read.
        ValueError: The bytes are not an ONNX model.
    """
    try:
        graph = _model_class().FromString(path.read_bytes()).graph
    except DecodeError as error:
        raise ValueError(f"{path.name} is damaged or not an ONNX model") from error
    tensors: dict[str, Tensor] = {
        tensor.name: _values(tensor).reshape(tensor.dims)
        for tensor in graph.initializer
        if tensor.data_type in _DTYPES  # No weight of the model has another element type.
    }
    if not tensors:
        raise ValueError(f"{path.name} has no ONNX graph with weights")
    nodes = tuple(
        OnnxNode(node.op_type, tuple(node.input), tuple(node.output)) for node in graph.node
    )
    return OnnxGraph(tensors, nodes)


def _values(tensor: Any) -> Tensor:
    """Return the numbers of a tensor: of a small one they stand in a list of their own."""
    kind = _DTYPES[tensor.data_type]
    if tensor.raw_data:
        values: Tensor = np.frombuffer(tensor.raw_data, kind)
        return values
    return np.array(tensor.float_data or tensor.int32_data, kind)


@cache
def _model_class() -> Any:
    """Return the message class of an ONNX model."""
    file = descriptor_pb2.FileDescriptorProto(name="trimtab/onnx.proto", package=_PACKAGE)
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, label, kind in fields:
            added = message.field.add(name=field, number=number, label=label)
            if isinstance(kind, str):
                added.type, added.type_name = _FIELD.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                added.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.ModelProto"))
