"""What guards and pipeline cost, against their bars: `python -m benchmarks.answers [DATA] [--json]`.

DATA is a folder with qa_xquad_en and benign_alpaca (question, context, answers; text). Without it the manual's own pages are
the texts, so that the command runs from a fresh clone. CPU time is that of this process with all its threads, no other
work in it; the 95th percentile is over single texts. Wall time is what an asker waits, on a machine that may be shared.
Exit 1 when a bar is missed in CPU time.
"""

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from trimtab.answers import (
    AnswerPipeline,
    ExtractiveGenerator,
    PipelineGuards,
    Question,
    Retrieved,
    SourcePassage,
)
from trimtab.answers.store import TraceStore
from trimtab.guardrails.guard import Subject
from trimtab.guardrails.service import Guardrails
from trimtab.infra.settings.sections.guardrails import GuardrailsSettings
from trimtab.infra.storage import SqliteDatabase
from trimtab.kernel.clock import SystemClock
from trimtab.text.sentences import sentences

TEXTS = 500
DOCS = Path(__file__).parent.parent / "docs"
BARS = {
    "question guards": 10.0,
    "answer guards, five sentences": 50.0,
    "pipeline with all guards": 15.0,
}
"""Milliseconds at the 95th percentile."""


@dataclass(frozen=True)
class Row:
    """What one kind of work took; milliseconds."""

    name: str
    texts: int
    cpu_p50_ms: float
    cpu_p95_ms: float
    wall_p50_ms: float
    wall_p95_ms: float
    bar_ms: float | None

    @property
    def verdict(self) -> str:
        if self.bar_ms is None:
            return "-"
        return "met" if self.cpu_p95_ms <= self.bar_ms else "MISSED"

    @property
    def wall_verdict(self) -> str:
        if self.bar_ms is None:
            return "-"
        return "met" if self.wall_p95_ms <= self.bar_ms else "MISSED"


class _NoAudit:
    def append(self, actor, action, subject, facts=None):
        return None


class _Given:
    """A retriever that has the passage already."""

    def __init__(self):
        self.passage = None

    def search(self, project, query, top_k, *, labels=()):
        return Retrieved((self.passage,))


class _Ready:
    """A generator that has the draft already, so that only the pipeline is timed."""

    def __init__(self):
        self.draft = None

    def stream(self, question, passages):
        yield self.draft


def rows(folder: Path) -> list[dict]:
    with (folder / "data.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line, _ in zip(lines, range(TEXTS), strict=False)]


def own_texts() -> tuple[list[dict], list[dict]]:
    """Return questions with contexts, and everyday texts, made of the manual's paragraphs."""
    asked = []
    for page in sorted(DOCS.rglob("*.md")):
        paragraphs = page.read_text(encoding="utf-8").split("\n\n")
        for context in (
            part for part in paragraphs if 150 <= len(part) <= 2000 and "|" not in part
        ):
            words = [word.strip("`*.,:;()") for word in context.split() if len(word) > 5][:3]
            asked.append(
                {"question": f"What is said about {' and '.join(words)}?", "context": context}
            )
    asked = asked[:TEXTS]
    return asked, [{"text": row["context"]} for row in asked]


def timed(name: str, works: list[Callable[[], object]]) -> Row:
    works[0]()  # Weights are loaded once.
    cpu, wall = [], []
    for work in works:
        began, started = time.perf_counter(), time.process_time()
        work()
        cpu.append((time.process_time() - started) * 1000)
        wall.append((time.perf_counter() - began) * 1000)
    figures = (part for spent in (cpu, wall) for part in (_at(spent, 0.5), _at(spent, 0.95)))
    return Row(name, len(works), *figures, BARS.get(name))


def _at(spent: list[float], share: float) -> float:
    return round(sorted(spent)[int(share * len(spent))], 3)


def five_sentences(context: str) -> str:
    return " ".join(part.text for part in sentences(context)[:5])


def measure(data: Path | None, folder: Path) -> list[Row]:
    if data is None:
        asked, everyday = own_texts()
    else:
        asked, everyday = rows(data / "qa_xquad_en"), rows(data / "benign_alpaca")
    clock = SystemClock()
    guardrails = Guardrails(GuardrailsSettings(), clock, _NoAudit())
    database = SqliteDatabase(folder / "state.db", ("state", "answers"))
    given, ready = _Given(), _Ready()
    guards = PipelineGuards(
        guardrails.questions, guardrails.answers, guardrails.passages, guardrails.finder.redact
    )
    extractive = ExtractiveGenerator()
    passages = [
        SourcePassage("c", "d", "n", r["context"], 0, len(r["context"]), 1.0) for r in asked
    ]
    pairs = list(zip(asked, passages, strict=True))
    drafts = [extractive.quote(row["question"], (passage,)) for row, passage in pairs]
    triples = list(zip(asked, passages, drafts, strict=True))

    def overhead(traces, judging):
        pipeline = AnswerPipeline(given, ready, clock, judging)

        def one(row, passage, draft):
            guardrails.clear_cache()  # No verdict of the run before is taken.
            given.passage, ready.draft = passage, draft
            result = pipeline.answer(Question("p", row["question"]))
            if traces is not None:
                traces.keep(result.trace)
            return result

        return [lambda args=args: one(*args) for args in triples]

    works = {
        "question guards": [
            lambda r=r: guards.questions.check(Subject(r["text"][:1000])) for r in everyday
        ],
        "answer guards, five sentences": [
            lambda r=r: guards.answers.check(
                Subject(five_sentences(r["context"]), r["question"], (r["context"],))
            )
            for r in {row["context"]: row for row in asked}.values()
        ],
        "pipeline with all guards": overhead(None, guards),
        "the same, traces on disk": overhead(TraceStore(database), guards),
        "the same, without guards": overhead(None, None),
        "extractive answer": [
            lambda r=r, p=p: extractive.quote(r["question"], (p,)) for r, p in pairs
        ],
    }
    try:
        return [timed(name, work) for name, work in works.items()]
    finally:
        guardrails.close()
        database.close()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    logging.disable(logging.WARNING)  # The guards tell of each finding.
    with tempfile.TemporaryDirectory() as folder:
        found = measure(given.data, Path(folder))
    missed = any(row.verdict == "MISSED" for row in found)
    if given.json:
        print(json.dumps([asdict(r) | {"cpu": r.verdict, "wall": r.wall_verdict} for r in found]))
        return int(missed)
    print(f"{'milliseconds':32} {'texts':>6} {'CPU p50':>9} {'CPU p95':>9} {'wall p50':>9} {'wall p95':>9} {'bar':>6}  CPU / wall")  # fmt: skip
    for row in found:
        bar = "-" if row.bar_ms is None else f"{row.bar_ms:g}"
        print(
            f"{row.name:32} {row.texts:6} {row.cpu_p50_ms:9.3f} {row.cpu_p95_ms:9.3f} "
            f"{row.wall_p50_ms:9.3f} {row.wall_p95_ms:9.3f} {bar:>6}  {row.verdict} / {row.wall_verdict}"
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
