"""The service as its users meet it: over HTTP, after a kill -9: ``python -m benchmarks.knowledge_service FOLDER``.

A data directory is filled with the passages and their vectors; `trimtab serve` runs on it in a process of its own.
"""

import http.client
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import numpy as np
import psutil
from benchmarks.children import bound
from benchmarks.knowledge_data import PROJECTS, ROOT, Data
from benchmarks.knowledge_open import PATIENCE_SECONDS, full_answer, opened

from trimtab.kernel.clock import SystemClock
from trimtab.kernel.ids import content_id
from trimtab.knowledge.records import Chunk, DocumentState
from trimtab.knowledge.store import DocumentStore, NewDocument

COMMAND = Path(sys.executable).parent / "trimtab"
PASSAGES_A_DOCUMENT = 20
ROUNDS = 3
"""How often each question is asked anew, its words in another order, so that no cache has it."""
HITS = 1000
NEVER_WEIGHED = 50
"""Projects of so many passages keep the usual weights."""


def filled(data: Data, folder: Path) -> None:
    """Write the passages of each project as documents, with the vectors that are there already."""
    with opened(folder) as knowledge:
        store, model = DocumentStore(knowledge.database), knowledge.encoder.model_id
        for project in range(PROJECTS):
            row, _ = knowledge.ingestion.open_project(f"p{project}")
            keys = np.flatnonzero(data.projects == project)
            made = [
                document(data, row.id, keys[at : at + PASSAGES_A_DOCUMENT], model)
                for at in range(0, len(keys), PASSAGES_A_DOCUMENT)
            ]
            store.write(row, made, [None] * len(made), SystemClock().now())


def document(data: Data, project: str, keys: np.ndarray, model: str) -> NewDocument:
    name = f"{keys[0]:06}.txt"
    document_id = content_id("doc", project, name)
    chunks, start = [], 0
    for ordinal, key in enumerate(keys):
        text = f"{data.texts[key]}\n"
        chunk_id = content_id("chk", document_id, str(key))
        chunks.append(Chunk(chunk_id, ordinal, start, start + len(text), text, None, ""))
        start += len(text)
    rows = {chunk.id: data.vectors[key] for chunk, key in zip(chunks, keys, strict=True)}
    return NewDocument(
        document_id, name, name, "text/plain", name, start, start, chunks, rows, model,
        DocumentState.READY,
    )  # fmt: skip


class Served:
    """A running service and one connection to it."""

    def __init__(self, process: subprocess.Popen, url: str, start_s: float):
        self.process = process
        self.start_s = start_s
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)

    def search(self, project: int, question: str) -> tuple[dict, float]:
        return self._timed(f"/api/v1/search/p{project}?q={quote(question)}")

    def asked(self, path: str) -> dict:
        return self._timed(path)[0]

    def _timed(self, path: str) -> tuple[dict, float]:
        started = time.perf_counter()
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        body = answer.read()
        elapsed = (time.perf_counter() - started) * 1000
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path} was answered with {answer.status}: {body[:200]!r}")
        return json.loads(body), elapsed

    def memory_mb(self) -> int:
        return round(psutil.Process(self.process.pid).memory_full_info().pss / 1e6)


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """Run the service; it is killed, not stopped, at the end."""
    started = time.monotonic()
    process = subprocess.Popen(
        bound([COMMAND, "--data-dir", folder, "--set", "service.port=0",
               "--set", "service.rate_limit_per_minute=0", "serve"]),
        stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    try:
        found = (re.search(r"is serving at (\S+)", line) for line in process.stderr)
        url = next(match.group(1) for match in found if match)
        # A full pipe would stop the service at its next log line.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield Served(process, url, time.monotonic() - started)
    finally:
        process.kill()
        process.wait()


def warmed(served: Served, data: Data) -> None:
    """Wait until every project has its index, and the weights that its own passages ask for."""
    for project in range(PROJECTS):
        until(lambda: not served.search(project, f"warm up {time.monotonic()}")[0]["degraded_mode"])  # noqa: B023
    until(lambda: all(weighed(one) for one in served.asked("/api/v1/projects")["projects"]))
    for number in range(10):
        served.search(int(data.asked[number]), f"{data.questions[number]} please")


def weighed(project: dict) -> bool:
    in_memory = project["engine"] != ""
    return project["meaning"] is not None or not in_memory or project["chunks"] <= NEVER_WEIGHED


def until(ready: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        if time.monotonic() > give_up:
            raise TimeoutError("an index was not ready in time")
        time.sleep(0.2)


def turned(question: str, by: int) -> str:
    words = question.split()
    return " ".join(words[by % len(words) :] + words[: by % len(words)])


def p99(milliseconds: list[float]) -> float:
    return round(float(np.percentile(milliseconds, 99)), 2)


def over_http(data: Data, folder: Path) -> dict:
    with serving(folder) as served:
        warmed(served, data)
        asked = [
            (int(data.asked[number]), turned(question, by))
            for by in range(ROUNDS)
            for number, question in enumerate(data.questions)
        ]
        fresh = [served.search(*one) for one in asked]
        hits = [served.search(*asked[-1 - number % 200]) for number in range(HITS)]
        first = {question: took for (_, question), (answer, took) in zip(asked, fresh, strict=True)
                 if not answer["cache_hit"]}  # fmt: skip
        return {
            "http_p99_ms": p99(list(first.values())),
            "http_p50_ms": round(float(np.median(list(first.values()))), 2),
            "http_hit_p99_ms": p99([took for answer, took in hits if answer["cache_hit"]]),
            "service_start_s": round(served.start_s, 2),
            "service_memory_mb": served.memory_mb(),
        }


def inside(data: Data, folder: Path) -> dict:
    project, question = f"p{data.asked[0]}", data.questions[0]
    took = []
    with opened(folder) as knowledge:
        full_answer(knowledge, project, question)
        for _ in range(HITS):
            started = time.perf_counter()
            assert knowledge.search(project, question).cache_hit
            took.append((time.perf_counter() - started) * 1000)
    return {"hit_p99_ms": p99(took)}


def reopened(data: Data, folder: Path) -> dict:
    command = [sys.executable, "-m", "benchmarks.knowledge_open", folder]
    ended = subprocess.run(
        [*command, f"p{data.asked[0]}", data.questions[0]],
        check=True, capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE_SECONDS * 2,
    )  # fmt: skip
    found = next(line for line in ended.stdout.splitlines() if line.startswith("FIGURES "))
    return json.loads(found[8:])


def main(folder: Path) -> None:
    data, home = Data.load(folder), folder / "service"
    filled(data, home)
    # The service is killed at the end of `over_http`: that is the kill -9 after which it is opened again.
    figures = {**over_http(data, home), **reopened(data, home), **inside(data, home)}
    print("FIGURES " + json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
