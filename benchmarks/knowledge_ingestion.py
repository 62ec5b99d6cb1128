"""How fast folders are taken in, and what they need on disk: ``python -m benchmarks.knowledge_ingestion FOLDER DOCUMENTS``.

Speed is wall time of ingestion and of the bare embedder on the same passages, which take turns. The second ingestion of
many short documents, one in a hundred changed, is compared in CPU time.
"""

import json
import re
import sys
import time
from pathlib import Path

from benchmarks.knowledge_data import Data
from benchmarks.knowledge_open import opened

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.knowledge.index import IndexedPassage, ProjectIndex

TURNS = 3
DOCUMENTS, PASSAGES, WORDS = 80, 8, 100
"""Documents of a turn, passages of a document, words of a passage."""


def passages(data: Data, count: int) -> list[str]:
    words = " ".join(data.texts[: count * 4]).split()
    stretches = (" ".join(words[at * WORDS : (at + 1) * WORDS]) for at in range(count))
    # A line that starts like a heading, list or fence in the pages these come from would cut or mark up the text.
    return [re.sub(r"[#`~]", "", stretch) for stretch in stretches]


def written(folder: Path, documents: list[str], ending: str) -> Path:
    folder.mkdir(parents=True)
    for number, text in enumerate(documents):
        (folder / f"{number:06}{ending}").write_text(text)
    return folder


def clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def since(start: tuple[float, float]) -> tuple[float, float]:
    return time.perf_counter() - start[0], time.process_time() - start[1]


def speed(data: Data, folder: Path) -> dict:
    """Return ingestion's speed in percent of the embedder's, by wall and by CPU time, and the disk it needs."""
    bare, whole = [0.0, 0.0], [0.0, 0.0]
    texts = passages(data, TURNS * DOCUMENTS * PASSAGES)
    with opened(folder / "speed", KnowledgeSettings(chunk_characters=1500)) as knowledge:
        for turn in range(TURNS):
            mine = texts[turn * DOCUMENTS * PASSAGES : (turn + 1) * DOCUMENTS * PASSAGES]
            pages = [
                "\n\n".join(
                    f"## Part {at}\n\n{text}" for at, text in enumerate(mine[start:][:PASSAGES])
                )
                for start in range(0, len(mine), PASSAGES)
            ]
            pages_folder = written(folder / "pages" / str(turn), pages, ".md")
            started = clocks()
            for start in range(0, len(mine), 256):
                knowledge.encoder.vectors([f"Part 1\n{text}" for text in mine[start : start + 256]])
            bare = [total + part for total, part in zip(bare, since(started), strict=True)]
            started = clocks()
            done = knowledge.ingest_folder(f"turn{turn}", pages_folder)
            whole = [total + part for total, part in zip(whole, since(started), strict=True)]
            assert sum(document.chunks for document in done.documents) == len(mine)
        knowledge.database.scrub()
        size = knowledge.database.file.stat().st_size + index_bytes(knowledge, texts, folder)
    return {
        "ingestion_percent": round(bare[0] / whole[0] * 100, 1),
        "ingestion_cpu_percent": round(bare[1] / whole[1] * 100, 1),
        "passages_per_second": round(len(texts) / whole[0], 1),
        "disk_kb": round(size / len(texts) / 1024, 2),
    }


def index_bytes(knowledge, texts: list[str], folder: Path) -> int:
    """Return the size of the saved index of these passages."""
    index = ProjectIndex(knowledge.encoder.dimension)
    rows = knowledge.encoder.vectors(texts[: DOCUMENTS * PASSAGES])
    index.add(IndexedPassage(at, text, row) for at, (text, row) in enumerate(zip(texts, rows)))  # noqa: B905
    index.save(folder / "size.index", 1)
    return (folder / "size.index").stat().st_size * len(texts) // len(rows)


def again(data: Data, folder: Path, count: int) -> dict:
    """Return the CPU seconds of a first and a second ingestion of so many documents."""
    count = min(count, len(data.texts) - count // 100)
    home = written(folder / "many", data.texts[:count], ".txt")
    seconds = []
    with opened(folder / "again") as knowledge:
        for _ in range(2):
            started = clocks()
            done = knowledge.ingest_folder("many", home)
            seconds.append(since(started)[1])
            assert len(done.documents) == count
            for at in range(0, count, 100):
                (home / f"{at:06}.txt").write_text(data.texts[count + at // 100])
    return {
        "documents": count,
        "first_cpu_s": round(seconds[0], 2),
        "again_cpu_s": round(seconds[1], 2),
        "again_percent": round(seconds[1] / seconds[0] * 100, 2),
    }


def main(folder: Path, documents: int) -> None:
    data = Data.load(folder)
    figures = {**speed(data, folder / "ingestion"), **again(data, folder / "ingestion", documents)}
    print("FIGURES " + json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
