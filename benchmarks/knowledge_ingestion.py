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
from benchmarks.knowledge_open import full_answer, opened

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings

TURNS = 3
DOCUMENTS, PASSAGES, WORDS = 80, 8, 100
"""Documents of a turn, passages of a document, words of a passage."""


def passages(data: Data, count: int) -> list[str]:
    words = " ".join(data.texts[: count * 4]).split()
    words *= count * WORDS // len(words) + 1  # A short look has fewer words than passages need.
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


def pages(texts: list[str]) -> list[str]:
    """Return documents of so many passages, each under a heading of its own."""
    return [
        "\n\n".join(f"## Part {at}\n\n{text}" for at, text in enumerate(texts[start:][:PASSAGES]))
        for start in range(0, len(texts), PASSAGES)
    ]


def speed(folder: Path, texts: list[str], documents: list[str], ending: str) -> dict:
    """Return ingestion's speed in percent of the embedder's, by wall and by CPU time, and the disk it needs."""
    bare, whole = [0.0, 0.0], [0.0, 0.0]
    mine, theirs = len(texts) // TURNS, len(documents) // TURNS
    with opened(folder / "data", KnowledgeSettings(chunk_characters=1500)) as knowledge:
        for turn in range(TURNS):
            part = texts[turn * mine :][:mine]
            home = written(
                folder / "pages" / str(turn), documents[turn * theirs :][:theirs], ending
            )
            started = clocks()
            for start in range(0, len(part), 256):
                knowledge.encoder.vectors(part[start : start + 256])
            bare = [total + part for total, part in zip(bare, since(started), strict=True)]
            started = clocks()
            done = knowledge.ingest_folder(f"turn{turn}", home)
            whole = [total + part for total, part in zip(whole, since(started), strict=True)]
            assert sum(document.chunks for document in done.documents) == len(part)
        for turn in range(TURNS):
            full_answer(knowledge, f"turn{turn}", texts[0][:50])
    return {
        "percent": round(bare[0] / whole[0] * 100, 1),
        "cpu_percent": round(bare[1] / whole[1] * 100, 1),
        "passages_per_second": round(len(texts) / whole[0], 1),
        "disk_kb": round(size_of(folder / "data") / len(texts) / 1024, 2),
    }


def size_of(data: Path) -> int:
    """Return the bytes of a closed data directory, saved indexes included; the model is everybody's once."""
    files = [file for file in data.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files if "models" not in file.parts)


def speeds(data: Data, folder: Path) -> dict:
    """Return the figures of documents of several passages of 100 words, and of one short passage."""
    texts = passages(data, TURNS * DOCUMENTS * PASSAGES)
    long = speed(folder / "long", [f"Part 1\n{text}" for text in texts], pages(texts), ".md")
    short = data.texts[: TURNS * DOCUMENTS * PASSAGES]
    brief = speed(folder / "short", short, short, ".txt")
    return {
        "ingestion_percent": long["percent"],
        "ingestion_cpu_percent": long["cpu_percent"],
        "ingestion_short_percent": brief["percent"],
        "ingestion_short_cpu_percent": brief["cpu_percent"],
        "passages_per_second": long["passages_per_second"],
        "disk_kb": long["disk_kb"],
    }


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
    figures = {**speeds(data, folder / "ingestion"), **again(data, folder / "ingestion", documents)}
    print("FIGURES " + json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
