"""One project of many passages in one index: ``python -m benchmarks.one_project --passages 1000000``.

Vectors are clustered like those of real passages: centres at random, and points near them. The search for each
question is compared with the exact one. Times are CPU time of this process.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass

import numpy as np
import psutil

from trimtab.knowledge.index import VectorIndex

DIMENSIONS, QUESTIONS, TOP = 384, 200, 10
_PER_CENTRE, _SPREAD, _BATCH, _MORE = 50, 0.6, 10_000, 1_000


@dataclass(frozen=True)
class OneProject:
    """What one index of that size costs and finds."""

    passages: int
    build_cpu_s: float
    memory_mb: float
    search_cpu_ms: float
    recall: float
    add_per_cpu_s: float
    """Further passages a second of CPU time, into the full index."""


def made(rng: np.random.Generator, centres: np.ndarray, count: int) -> np.ndarray:
    """Return unit vectors near the centres."""
    noise = rng.standard_normal((count, DIMENSIONS), dtype=np.float32) / np.sqrt(DIMENSIONS)
    near = centres[rng.integers(len(centres), size=count)] + _SPREAD * noise
    return near / np.linalg.norm(near, axis=1, keepdims=True)


def exact(vectors: np.ndarray, question: np.ndarray) -> set[int]:
    scores = np.concatenate([part @ question for part in np.array_split(vectors, 20)])
    return set(np.argpartition(-scores, TOP)[:TOP].tolist())


def measure(passages: int) -> OneProject:
    rng = np.random.default_rng(7)
    centres = rng.standard_normal((max(1, passages // _PER_CENTRE), DIMENSIONS), dtype=np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    vectors = np.concatenate(
        [made(rng, centres, min(_BATCH, passages - at)) for at in range(0, passages, _BATCH)]
    )
    questions = made(rng, centres, QUESTIONS)
    before, index = psutil.Process().memory_info().rss, VectorIndex(DIMENSIONS)
    began = time.process_time()
    for at in range(0, passages, _BATCH):
        index.add(np.arange(at, min(at + _BATCH, passages)), vectors[at : at + _BATCH])
    built = time.process_time() - began
    memory = (psutil.Process().memory_info().rss - before) / 2**20
    began = time.process_time()
    found = [set(np.asarray(index.search(each, TOP).keys).tolist()) for each in questions]
    searched = (time.process_time() - began) / QUESTIONS * 1000
    hits = [len(f & exact(vectors, q)) / TOP for f, q in zip(found, questions, strict=True)]
    began = time.process_time()
    index.add(np.arange(passages, passages + _MORE), made(rng, centres, _MORE))
    added = _MORE / max(1e-9, time.process_time() - began)
    return OneProject(passages, built, memory, searched, float(np.mean(hits)), added)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--passages", type=int, nargs="+", default=[1_000_000])
    for passages in options.parse_args().passages:
        print(
            json.dumps({k: round(v, 3) for k, v in asdict(measure(passages)).items()}), flush=True
        )


if __name__ == "__main__":
    main()
