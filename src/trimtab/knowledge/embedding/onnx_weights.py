"""The named tensors and the node wiring of an ONNX file, without the ONNX libraries.

Only what the one-time conversion needs is read: initializers stored as ``raw_data`` and each node's
operator, inputs and outputs. Field numbers are those of ``onnx.proto``
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto); the wire format is
https://protobuf.dev/programming-guides/encoding/.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DTYPES = {1: "<f4", 3: "i1"}  # TensorProto.FLOAT, .INT8

Tensor = NDArray[np.float32] | NDArray[np.int8]


@dataclass(frozen=True)
class OnnxNode:
    """One operator of the graph with the names of the tensors that enter and leave it."""

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
    tensors: dict[str, Tensor] = {}
    nodes: list[OnnxNode] = []
    model = memoryview(path.read_bytes())
    for field, graph in _fields(model):
        if field != 7 or not isinstance(graph, memoryview):  # ModelProto.graph
            continue
        for part, value in _fields(graph):
            if not isinstance(value, memoryview):
                continue
            if part == 1:  # GraphProto.node
                nodes.append(_node(value))
            elif part == 5:  # GraphProto.initializer
                _add_tensor(tensors, value)
    if not tensors:
        raise ValueError(f"{path.name} holds no ONNX graph with weights")
    return OnnxGraph(tensors, tuple(nodes))


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Yield (field number, payload): an int for varints, the bytes for everything else."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if wire == _VARINT:
            number, at = _varint(data, at)
            yield key >> 3, number
            continue
        if wire == _BYTES:
            size, at = _varint(data, at)
        elif wire in (_FIXED32, _FIXED64):
            size = 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"unknown protobuf wire type {wire}")
        if at + size > len(data):
            raise ValueError("the protobuf message is cut short")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Return (value, position after it) of the base-128 number that starts at ``at``."""
    value = shift = 0
    while at < len(data):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7
    raise ValueError("the protobuf message is cut short")


def _node(data: memoryview) -> OnnxNode:
    inputs: list[str] = []
    outputs: list[str] = []
    operator = ""
    for field, value in _fields(data):
        if not isinstance(value, memoryview):
            continue
        if field == 1:
            inputs.append(_text(value))
        elif field == 2:
            outputs.append(_text(value))
        elif field == 4:
            operator = _text(value)
    return OnnxNode(operator, tuple(inputs), tuple(outputs))


def _add_tensor(tensors: dict[str, Tensor], data: memoryview) -> None:
    """Add one TensorProto; element types that no weight of ours has are left out."""
    shape: list[int] = []
    kind = 0
    name, raw = "", memoryview(b"")
    for field, value in _fields(data):
        if field == 1:
            shape += [value] if isinstance(value, int) else _packed(value)
        elif isinstance(value, int):
            kind = value if field == 2 else kind
        elif field == 8:
            name = _text(value)
        elif field == 9:
            raw = value
    if kind in _DTYPES:
        values: Tensor = np.frombuffer(raw, dtype=_DTYPES[kind])
        tensors[name] = values.reshape(shape)


def _packed(data: memoryview) -> list[int]:
    values: list[int] = []
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        values.append(value)
    return values


def _text(data: memoryview) -> str:
    return bytes(data).decode()
