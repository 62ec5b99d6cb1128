"""Measures extractive answers on a folder of questions whose answers are known.

A row of ``data.jsonl`` is ``{"question", "context", "answers"}``. Each question is asked twice: of
its own context, where the quoted sentences should hold a gold answer, and of another question's
context, where the right answer is "not found".
"""

import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from trimtab.answers.drafts import Draft, Generator, last_draft
from trimtab.answers.extractive import ExtractiveGenerator
from trimtab.answers.records import SourcePassage
from trimtab.evaluation.errors import BadQuestionSet

_SEED = 20_240


@dataclass(frozen=True, slots=True)
class QaItem:
    """A question with the text that answers it."""

    question: str
    context: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QaReport:
    """Measurements; a share is None where the set cannot give it."""

    kind: str
    n: int
    answer_in_citation: float
    """Questions whose gold answer stands inside a cited sentence, of all questions."""
    not_found_on_shuffled: float | None
    """Share answered "not found" on another context; None with one context only."""
    not_found_on_own: float
    mean_sentences: float
    """Cited sentences an answer, over the answers that were found."""
    cpu_ms: float
    """CPU time a question, in milliseconds."""

    def as_dict(self) -> dict[str, object]:
        """Return a JSON-serialisable dict."""
        return asdict(self)


def read(folder: Path) -> list[QaItem]:
    """Return the rows of ``folder/data.jsonl``.

    Raises:
        BadQuestionSet: There is no such file, no row, or a row without the three fields.
    """
    file = folder / "data.jsonl"
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadQuestionSet(f"{file} cannot be read: {error}.") from error
    items = [_item(file, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not items:
        raise BadQuestionSet(f"{file} holds no rows.")
    return items


def _item(file: Path, number: int, line: str) -> QaItem:
    try:
        row = json.loads(line)
        answers = row["answers"]
        texts = answers["text"] if isinstance(answers, dict) else answers
        return QaItem(str(row["question"]), str(row["context"]), tuple(map(str, texts)))
    except (ValueError, KeyError, TypeError) as error:
        raise BadQuestionSet(f"{file}, line {number}: {error!r}.") from error


def evaluate(items: Sequence[QaItem], generator: Generator | None = None) -> QaReport:
    """Ask every question of its own context and of another one, chosen with a fixed seed."""
    writer = generator or ExtractiveGenerator()
    started = time.process_time()
    own = [_ask(writer, item.question, item.context) for item in items]
    cpu_ms = (time.process_time() - started) * 1000 / len(items)
    found = [draft for draft in own if draft.citations]
    hits = sum(holds(draft, item.answers) for draft, item in zip(own, items, strict=True))
    quotes = sum(len(draft.citations) for draft in found)
    return QaReport(
        kind="qa",
        n=len(items),
        answer_in_citation=round(hits / len(items), 4),
        not_found_on_shuffled=_shuffled(items, writer),
        not_found_on_own=round(1 - len(found) / len(items), 4),
        mean_sentences=round(quotes / len(found), 3) if found else 0.0,
        cpu_ms=round(cpu_ms, 3),
    )


def _shuffled(items: Sequence[QaItem], writer: Generator) -> float | None:
    contexts = sorted({item.context for item in items})
    if len(contexts) < 2:
        return None
    pick = random.Random(_SEED)  # noqa: S311 - a reproducible choice, not a secret.
    misses = 0
    for item in items:
        other = pick.choice(contexts)
        while other == item.context:
            other = pick.choice(contexts)
        misses += not _ask(writer, item.question, other).citations
    return round(misses / len(items), 4)


def _ask(writer: Generator, question: str, context: str) -> Draft:
    passage = SourcePassage("c", "d", "context", context, 0, len(context), 1.0)
    return last_draft(writer.stream(question, (passage,)))


def holds(draft: Draft, answers: Sequence[str]) -> bool:
    """Return whether a gold answer stands inside a cited sentence."""
    quotes = [" ".join(citation.quote.casefold().split()) for citation in draft.citations]
    return any(
        " ".join(answer.casefold().split()) in quote for answer in answers for quote in quotes
    )
