"""What embedding costs beside the wheel's own graph, at two lengths: ``python -m benchmarks.knowledge_embedding FOLDER``.

Both run on one thread and take turns, so that a busy machine slows both; the figure is the median of the turns' ratios.
"""

import json
import random
import sys
import time
from pathlib import Path

import numpy as np
from benchmarks.knowledge_data import sentences
from benchmarks.knowledge_model import ShippedGraph

from trimtab.knowledge.embedding import MiniLmEmbedder

LENGTHS = {60: 240, 120: 120}
"""Tokens of a text, and how many texts."""
TURNS = 7
SHIPPED_TEXTS = 24


def of_length(embedder: MiniLmEmbedder, length: int, count: int) -> list[str]:
    chance, known = random.Random(length), sentences()
    texts: list[str] = []
    while len(texts) < count:
        tried = [" ".join(chance.sample(known, chance.choice((1, 2, 3, 4)))) for _ in range(200)]
        sizes = embedder.count_tokens(tried)
        found = zip(tried, sizes, strict=True)
        texts += [text for text, size in found if abs(size - length) <= length // 4]
    return texts[:count]


def cpu_ms(work, count: int) -> tuple[object, float]:
    started = time.process_time()
    result = work()
    return result, (time.process_time() - started) / count * 1000


def compared(ours: MiniLmEmbedder, shipped: ShippedGraph, texts: list[str]) -> tuple[dict, float]:
    chance, turns, cosines = random.Random(1), [], []
    for turn in range(TURNS + 1):
        part = chance.sample(range(len(texts)), SHIPPED_TEXTS)
        theirs, their_ms = cpu_ms(
            lambda part=part: shipped.embed([texts[at] for at in part]), len(part)
        )
        rows, our_ms = cpu_ms(lambda: ours.embed(texts), len(texts))
        cosines.append(float(np.einsum("nd,nd->n", rows[part], theirs).mean()))
        if turn:  # The first one warms up.
            turns.append((our_ms / their_ms * 100, our_ms, their_ms))
    share, our_ms, their_ms = np.median(np.array(turns), axis=0)
    figures = {"percent": share, "ms": our_ms, "shipped_ms": their_ms}
    return figures, float(np.mean(cosines))


def main(folder: Path) -> None:
    ours, shipped = MiniLmEmbedder(folder / "model", threads=1), ShippedGraph()
    figures, cosines = {}, []
    for length, count in LENGTHS.items():
        found, cosine = compared(ours, shipped, of_length(ours, length, count))
        cosines.append(cosine)
        for name, value in found.items():
            figures[f"embedder_{length}_{name}"] = round(float(value), 2)
    print("FIGURES " + json.dumps({**figures, "cosine": round(min(cosines), 4)}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
