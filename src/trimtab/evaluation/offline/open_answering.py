"""Measures answers over a whole corpus, a third of which is left out.

All contexts of a set are one corpus, searched as a project is; those of a third of its titles are
left out (of its contexts, when the rows have no title), so that the right answer to their questions
is "not found".
"""

import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from trimtab.answers.drafts import Draft, Generator, last_draft
from trimtab.answers.extractive import ExtractiveGenerator
from trimtab.answers.records import SourcePassage
from trimtab.evaluation.errors import BadQuestionSet
from trimtab.evaluation.offline.question_answering import QaItem, holds, read
from trimtab.knowledge.embedding import EmbeddingModel
from trimtab.knowledge.index import IndexedPassage, ProjectIndex
from trimtab.knowledge.ranking import fit, rank

_SEED = 20_240
_LEFT_OUT = 3
"""One title in three is left out."""
_PASSAGES = 5
_BATCH = 64
Search = Callable[[str], Sequence[SourcePassage]]


@dataclass(frozen=True, slots=True)
class OpenReport:
    """Measurements; a share is None where nothing was counted."""

    kind: str
    n: int
    answerable: int
    right: float | None
    """Share of the answerable questions whose gold answer stands in a cited sentence."""
    wrong: float | None
    """Share of the answerable questions that were answered otherwise."""
    refused: float | None
    """Share of the questions of what was left out that were answered "not found"."""
    precision: float | None
    """Right answers of all answers."""
    right_document: float | None
    """Share of the answered answerable questions with a cited sentence of their own context."""
    mean_sentences: float | None
    calibration_error: float
    """Expected difference of confidence and rightness over ten bins of the answers given."""
    cpu_ms: float
    """CPU time a question, search included, in milliseconds."""

    def as_dict(self) -> dict[str, object]:
        """Return a JSON-serialisable dict."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Asked:
    item: QaItem
    answerable: bool
    draft: Draft

    @property
    def right(self) -> bool:
        return self.answerable and holds(self.draft, self.item.answers)


def evaluate_open(
    folder: Path, embedder: EmbeddingModel, generator: Generator | None = None
) -> OpenReport:
    """Ask every question of ``folder/data.jsonl`` of the corpus that is left.

    Raises:
        BadQuestionSet: The file is unusable, or has fewer than three titles or contexts.
        EmbedderUnavailable: The model is down.
    """
    items = read(folder)
    groups = _groups(folder, items)
    names = sorted(set(groups))
    if len(names) < _LEFT_OUT:
        raise BadQuestionSet(f"{folder} has {len(names)} titles; an open evaluation needs three.")
    random.Random(_SEED).shuffle(names)  # noqa: S311 - a reproducible choice, not a secret.
    left_out = set(names[: len(names) // _LEFT_OUT])
    pairs = list(zip(items, groups, strict=True))
    corpus = dict.fromkeys(item.context for item, group in pairs if group not in left_out)
    search = _searcher(list(corpus), embedder)
    writer = generator or ExtractiveGenerator()
    started = time.process_time()
    asked = [
        _Asked(
            item,
            group not in left_out,
            last_draft(writer.stream(item.question, search(item.question))),
        )
        for item, group in pairs
    ]
    return _report(asked, (time.process_time() - started) * 1000 / len(asked))


def _groups(folder: Path, items: Sequence[QaItem]) -> list[str]:
    """Return each row's title; its context when a row has none."""
    lines = (folder / "data.jsonl").read_text(encoding="utf-8").split("\n")
    titles = [str(json.loads(line).get("title") or "") for line in lines if line.strip()]
    return titles if all(titles) else [item.context for item in items]


def _searcher(texts: Sequence[str], embedder: EmbeddingModel) -> Search:
    """Return a search over the texts, each of which is one passage of one document."""
    index = ProjectIndex(embedder.dimension)
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        rows = embedder.embed(batch)
        index.add(
            IndexedPassage(start + at, text, row)
            for at, (text, row) in enumerate(zip(batch, rows, strict=True))
        )
    embed = embedder.embed
    meaning = fit(index, list(enumerate(texts)), embed, embed).meaning

    def search(question: str) -> Sequence[SourcePassage]:
        vector = embedder.embed([question])[0]
        ranking = rank(index, question, vector, meaning=meaning, limit=_PASSAGES)
        return [
            SourcePassage(
                chunk_id=f"chunk-{found.key}",
                document_id=f"document-{found.key}",
                document_name=f"context-{found.key}",
                text=texts[found.key],
                start=0,
                end=len(texts[found.key]),
                score=found.score,
                similarity=found.cosine,
            )
            for found in ranking.passages
        ]

    return search


def _report(asked: Sequence[_Asked], cpu_ms: float) -> OpenReport:
    answerable = [item for item in asked if item.answerable]
    given = [item for item in asked if item.draft.citations]
    answered = [item for item in answerable if item.draft.citations]
    right = sum(item.right for item in asked)
    refused = [not item.draft.citations for item in asked if not item.answerable]
    return OpenReport(
        kind="qa-open",
        n=len(asked),
        answerable=len(answerable),
        right=_share(right, len(answerable)),
        wrong=_share(len(answered) - right, len(answerable)),
        refused=_share(sum(refused), len(refused)),
        precision=_share(right, len(given)),
        right_document=_share(sum(map(_cites_own, answered)), len(answered)),
        mean_sentences=_share(sum(len(item.draft.citations) for item in given), len(given)),
        calibration_error=_calibration_error(given),
        cpu_ms=round(cpu_ms, 3),
    )


def _cites_own(asked: _Asked) -> bool:
    return any(citation.quote in asked.item.context for citation in asked.draft.citations)


def _calibration_error(given: Sequence[_Asked]) -> float:
    """Return the mean gap of confidence and share of right answers, over bins of a tenth."""
    bins: dict[int, list[_Asked]] = {}
    for item in given:
        bins.setdefault(min(9, int(item.draft.confidence * 10)), []).append(item)
    gaps = [
        abs(sum(item.draft.confidence for item in found) - sum(item.right for item in found))
        for found in bins.values()
    ]
    return round(sum(gaps) / max(1, len(given)), 4)


def _share(part: float, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
