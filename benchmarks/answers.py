"""What guards and pipeline cost: `python -m benchmarks.answers DATA [--json]`.

DATA is a folder with qa_xquad_en and benign_alpaca (question, context, answers; text). CPU time of this process, no other
work in it; the 95th percentile is over single texts.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from trimtab.answers import (
    Answers,
    ExtractiveGenerator,
    Passage,
    Question,
    RecentTraces,
    Retrieved,
    Screen,
)
from trimtab.guardrails.guard import Subject
from trimtab.guardrails.service import Guardrails
from trimtab.guardrails.text.sentences import sentences
from trimtab.infra.settings.sections.guardrails import GuardrailsSettings
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.events import Events

TEXTS = 500


class _NoAudit:
    def append(self, actor, action, subject, facts=None):
        return None


class _Given:
    """A retriever that has the passage already."""

    def __init__(self):
        self.passage = None

    def search(self, project, query, top_k):
        return Retrieved((self.passage,))


class _Ready:
    """A generator that has the draft already, so that only the pipeline is timed."""

    def __init__(self):
        self.draft = None

    def generate(self, question, passages):
        return self.draft


def rows(folder: Path) -> list[dict]:
    with (folder / "data.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line, _ in zip(lines, range(TEXTS), strict=False)]


def timed(works: list[Callable[[], object]]) -> dict[str, float]:
    spent = []
    for work in works:
        started = time.process_time()
        work()
        spent.append((time.process_time() - started) * 1000)
    spent.sort()
    place = int(0.95 * len(spent))
    return {"p50_ms": round(spent[len(spent) // 2], 3), "p95_ms": round(spent[place], 3)}


def five_sentences(context: str) -> str:
    return " ".join(part.text for part in sentences(context)[:5])


def measure(data: Path) -> dict[str, dict[str, float]]:
    asked, everyday = rows(data / "qa_xquad_en"), rows(data / "benign_alpaca")
    clock = SystemClock()
    guardrails = Guardrails(GuardrailsSettings(), clock, _NoAudit())
    given, ready = _Given(), _Ready()
    screen = Screen(guardrails.questions, guardrails.answers)
    answers = Answers(given, ready, RecentTraces(), clock, Events(), screen)
    extractive = ExtractiveGenerator()
    passages = [Passage("c", "d", "n", r["context"], 0, len(r["context"]), 1.0) for r in asked]
    drafts = [
        extractive.generate(r["question"], (p,)) for r, p in zip(asked, passages, strict=True)
    ]

    def overhead(row, passage, draft):
        given.passage, ready.draft = passage, draft
        answers.answer(Question("p", row["question"] + " "))

    found = {
        "question guards": [
            lambda r=r: screen.questions.check(Subject(r["text"][:1000])) for r in everyday
        ],
        "answer guards, five sentences": [
            lambda r=r: screen.answers.check(
                Subject(five_sentences(r["context"]), r["question"], (r["context"],))
            )
            for r in {row["context"]: row for row in asked}.values()
        ],
        "extractive answer, one passage": [
            lambda r=r, p=p: extractive.generate(r["question"], (p,))
            for r, p in zip(asked, passages, strict=True)
        ],
        "pipeline with all guards, without retrieval and generation": [
            lambda args=args: overhead(*args) for args in zip(asked, passages, drafts, strict=True)
        ],
    }
    try:
        for works in found.values():
            works[0]()  # Weights are loaded once.
        return {name: timed(works) for name, works in found.items()}
    finally:
        guardrails.close()


def main() -> None:
    arguments = [word for word in sys.argv[1:] if word != "--json"]
    if not arguments:
        sys.exit("Name the folder that holds qa_xquad_en and benign_alpaca.")
    report = measure(Path(arguments[0]))
    if "--json" in sys.argv:
        print(json.dumps(report))
        return
    for name, figures in report.items():
        print(f"{name:60} p50 {figures['p50_ms']:8.3f} ms   p95 {figures['p95_ms']:8.3f} ms")


if __name__ == "__main__":
    main()
