"""Trains the weights that choose a sentence and decide whether it answers.

`python -m benchmarks.answer_training DATA [--budget 0.12]` writes `answer_weights.json` in the package.

DATA holds `guards/qa_xquad_en` (XQuAD, CC BY-SA 4.0), of which half of the articles are used, and `qa_covid` (COVID-QA,
Apache-2.0). The third set is `answer_training_questions.jsonl`, questions on trimtab's own manual. Each question is asked of
its corpus as it is, and again without the documents that hold the answer: then nothing is right. Questions of other sets asked
of the manual, and XQuAD questions asked of a single context, right and wrong, complete it. Half of the questions are reduced to
their key words, as people type them.

Ranking is a conditional logit over the units of a question; the decision a logistic model of the best unit. Evidence for an
answer has no negative weight and missing evidence no positive one. The threshold is the lowest one at which the share of
unanswerable questions that would be answered stays within the budget, over the held-out fold of the training questions.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from trimtab.answers import SourcePassage
from trimtab.answers.decision import BEST_FEATURES, SHORTLIST, WEIGHTS_FILE
from trimtab.answers.evidence import FEATURES, AnalysedQuestion, evidence
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.events import Events
from trimtab.kernel.health import Health
from trimtab.knowledge import Knowledge, KnowledgeContext
from trimtab.knowledge.search import SearchRequest
from trimtab.text.words import STOP_WORDS

ROOT = Path(__file__).parent.parent
OWN_QUESTIONS = Path(__file__).parent / "answer_training_questions.jsonl"
PASSAGES = 5
SHARES = {"xquad": 1.0, "covid": 0.6, "manual": 1.2, "other": 0.5, "single": 0.5}
"""What each set counts in all."""
MORE = frozenset(
    [
        "own",
        "context",
        "place",
        "near",
        "question_above",
        "heading",
        "passage_score",
        "similarity",
        "rank",
        "pairs",
        "context_words",
        "type",
        "code_wanted",
        "score",
        "margin",
        "certainty",
    ]
)
LESS = frozenset(
    [
        "rarest_missing",
        "missing_here",
        "missing_everywhere",
        "identifier_missing",
        "identifier_missing_here",
        "nothing_new",
        "short",
        "thin",
    ]
)
NOT_JUDGED = frozenset(
    [
        "code",
        "code_wanted",
        "item",
        "row",
        "title",
        "title_wanted",
        "context_words",
        "first",
        "rank",
        "length",
        "new",
        "short",
    ]
)
"""What helps to rank but says little of whether there is an answer."""
TITLE_WANTED = 8.0
"""Set by hand: too few training questions ask for a document. The unit exists only for those that do."""
_RANK_L2, _ANSWER_L2 = 0.003, 0.005

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """A question with the evidence of its candidates; ``right`` has one entry for each."""

    kind: str
    group: str
    answerable: bool
    features: Floats
    right: NDArray[np.bool_]
    shown: Sequence[str]


@dataclass(frozen=True)
class Question:
    kind: str
    group: str
    text: str
    answers: tuple[str, ...]
    document: str


def questions(data: Path) -> tuple[list[Question], dict[str, dict[str, str]]]:
    """Return the questions and, for each corpus, its documents by name."""
    corpora: dict[str, dict[str, str]] = {"xquad": {}, "covid": {}}
    found = list[Question]()
    for row in _rows(data / "guards" / "qa_xquad_en" / "data.jsonl"):
        name = f"{row['title']}-{len(row['context'])}.txt"
        corpora["xquad"][name] = row["context"]
        gold = row["answers"]["text"] if isinstance(row["answers"], dict) else row["answers"]
        found.append(Question("xquad", row["title"], row["question"], tuple(gold), name))
    for row in _rows(data / "qa_covid" / "contexts.jsonl"):
        corpora["covid"][f"{row['id']}.txt"] = row["text"]
    for row in _rows(data / "qa_covid" / "questions.jsonl"):
        gold = tuple(answer["text"] for answer in row["answers"])
        found.append(
            Question("covid", row["context"], row["question"], gold, f"{row['context']}.txt")
        )
    found += [
        Question("manual", "manual", row["question"], tuple(row["answers"]), "")
        for row in _rows(OWN_QUESTIONS)
    ]
    return found, corpora


def key_words(question: str) -> str:
    """Return a question as people type it into a search field."""
    kept = [
        word
        for word in question.strip("?¿ ").split()
        if word.lower().strip(",.?") not in STOP_WORDS
    ]
    return " ".join(kept).lower() if len(kept) > 1 else question


def _rows(file: Path) -> Iterator[dict]:
    return (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())


def _plain(text: str) -> str:
    return " ".join(text.replace("`", "").replace("*", "").casefold().split())


def holds(question: Question, text: str) -> bool:
    """Return whether a text holds a gold answer, or most of one that is a whole sentence."""
    text = _plain(text)
    return any(
        _plain(gold) in text or (len(gold) > 60 and text in _plain(gold))
        for gold in question.answers
    )


class Asker:
    """Asks questions of corpora that are ingested as a user's would be."""

    def __init__(self, folder: Path, corpora: dict[str, dict[str, str]]) -> None:
        clock = SystemClock()
        context = KnowledgeContext(clock, Events(), Health(clock))
        self.knowledge = Knowledge(DataDirectory(folder), KnowledgeSettings(), context)
        self.knowledge.start()
        for name, documents in corpora.items():
            for document, text in documents.items():
                self.knowledge.ingest_bytes(name, document, text.encode())
        for part in ("library", "docs"):
            self.knowledge.ingest_folder("manual", ROOT / part, lambda *_: None)

    def passages(self, corpus: str, text: str) -> list[SourcePassage]:
        found = self.knowledge.searcher.search(corpus, text, SearchRequest(4 * PASSAGES))
        names = (
            "chunk_id",
            "document_id",
            "document_name",
            "text",
            "start",
            "end",
            "score",
            "title",
            "page",
            "heading",
        )
        return [
            SourcePassage(
                **{name: getattr(passage, name) for name in names}, similarity=passage.vector_score
            )
            for passage in found.passages
        ]

    def ask(
        self, question: Question, text: str, passages: Sequence[SourcePassage], *, answerable: bool
    ) -> Asked:
        found = evidence(AnalysedQuestion.of(text), passages)
        own = [
            c.passage.document_name == (question.document or c.passage.document_name)
            for c in found.candidates
        ]
        stretches = [
            c.passage.text[c.unit.start : c.unit.end] + "\n" + c.unit.shown
            for c in found.candidates
        ]
        right = [
            answerable and mine and holds(question, s)
            for mine, s in zip(own, stretches, strict=True)
        ]
        shown = [c.unit.shown for c in found.candidates]
        return Asked(
            question.kind,
            question.group,
            answerable,
            found.features,
            np.array(right, bool),
            shown,
        )


def training_set(asker: Asker, asked: Sequence[Question], pick: random.Random) -> list[Asked]:
    """Ask each question with and without the documents that hold its answer."""
    found = list[Asked]()
    for question in asked:
        text = key_words(question.text) if pick.random() < 0.5 else question.text
        passages = asker.passages(question.kind, text)
        gone = [p for p in passages if _is_of(question, p)]
        found.append(asker.ask(question, text, passages[:PASSAGES], answerable=True))
        left = [p for p in passages if p not in gone][:PASSAGES]
        found.append(asker.ask(question, text, left, answerable=False))
        if question.kind != "manual" and pick.random() < 0.1:
            other = Question("other", "other", text, (), "")
            found.append(
                asker.ask(other, text, asker.passages("manual", text)[:PASSAGES], answerable=False)
            )
        if question.kind == "xquad" and pick.random() < 0.5:
            for one, answerable in ((gone[:1], True), (left[-1:], False)):
                single = Question(
                    "single", question.group, text, question.answers, question.document
                )
                alone = [_alone(passage) for passage in one]
                found.append(asker.ask(single, text, alone, answerable=answerable))
    return found


def _is_of(question: Question, passage: SourcePassage) -> bool:
    if question.kind == "xquad":
        return passage.document_name.startswith(question.group)
    return (
        passage.document_name == question.document
        if question.document
        else holds(question, passage.text)
    )


def _alone(passage: SourcePassage) -> SourcePassage:
    return SourcePassage(
        passage.chunk_id,
        passage.document_id,
        passage.document_name,
        passage.text,
        passage.start,
        passage.end,
        1.0,
    )


def bounds(names: Sequence[str]) -> list[tuple[float | None, float | None]]:
    return [(0, None) if n in MORE else (None, 0) if n in LESS else (None, None) for n in names]


def weight_of(asked: Sequence[Asked]) -> Callable[[Asked], float]:
    counts = {kind: sum(one.kind == kind for one in asked) for kind in SHARES}
    return lambda one: SHARES[one.kind] / counts[one.kind]


def fit_rank(asked: Sequence[Asked], weight: Callable[[Asked], float]) -> Floats:
    """Return the weights of the columns: a conditional logit over the units of each question."""
    used = [one for one in asked if one.right.any() and not one.right.all()]
    every = np.concatenate([one.features for one in used])
    mean, deviation = every.mean(0), every.std(0) + 1e-6
    rows = [((one.features - mean) / deviation, one.right, weight(one)) for one in used]
    total = sum(share for _, _, share in rows)

    def loss(weights: Floats) -> tuple[float, Floats]:
        value, slope = _RANK_L2 * float(weights @ weights), 2 * _RANK_L2 * weights
        for columns, right, share in rows:
            scores = columns @ weights
            chances = np.exp(scores - scores.max())
            chances /= chances.sum()
            hit = float(chances[right].sum())
            value -= share / total * float(np.log(hit))
            slope = slope + share / total * (columns.T @ (chances - chances * right / hit))
        return value, slope

    found = (
        minimize(
            loss, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B", bounds=bounds(FEATURES)
        ).x
        / deviation
    )
    found[[FEATURES.index("title"), FEATURES.index("not_compared")]] = 0.0
    found[FEATURES.index("title_wanted")] = TITLE_WANTED
    return found


def best(one: Asked, rank: Floats) -> tuple[bool, Floats]:
    """Return whether the first unit is right, and its columns, as `decision` makes them."""
    every = one.features @ rank
    short = np.argsort(-every, kind="stable")[:SHORTLIST]
    scores, first = every[short], short[0]
    others = [
        s for at, s in zip(short[1:], scores[1:], strict=True) if one.shown[at] != one.shown[first]
    ]
    margin = scores[0] - others[0] if others else 1.0
    certainty = 1 / np.exp(scores - scores[0]).sum()
    thin = max(0.0, 0.5 - one.features[first][:4].sum())
    return bool(one.right[first]), np.concatenate(
        [one.features[first], [scores[0], margin, certainty, thin]]
    )


def fit_answer(
    asked: Sequence[Asked], rank: Floats, weight: Callable[[Asked], float]
) -> tuple[Floats, float]:
    """Return the weights and the bias of the decision: a logistic model with signs given."""
    seen = [one for one in asked if len(one.right)]
    judged = [best(one, rank) for one in seen]
    y = np.array([float(right) for right, _ in judged])
    columns = np.array([row for _, row in judged])
    mean, deviation = columns.mean(0), columns.std(0) + 1e-6
    scaled = (columns - mean) / deviation
    scaled[:, [BEST_FEATURES.index(name) for name in NOT_JUDGED]] = 0.0
    shares = np.array([weight(one) for one in seen])
    shares /= shares.sum()

    def loss(weights: Floats) -> tuple[float, Floats]:
        chances = 1 / (1 + np.exp(-(scaled @ weights[:-1] + weights[-1])))
        safe = np.clip(chances, 1e-9, 1 - 1e-9)
        value = -float(shares @ (y * np.log(safe) + (1 - y) * np.log(1 - safe)))
        value += _ANSWER_L2 * float(weights[:-1] @ weights[:-1])
        gap = shares * (chances - y)
        return value, np.append(scaled.T @ gap + 2 * _ANSWER_L2 * weights[:-1], gap.sum())

    limits = [*bounds(BEST_FEATURES), (None, None)]
    found = minimize(
        loss, np.zeros(scaled.shape[1] + 1), jac=True, method="L-BFGS-B", bounds=limits
    ).x
    weights = found[:-1] / deviation
    return weights, float(found[-1] - weights @ mean)


def fit(asked: Sequence[Asked]) -> dict:
    """Return the model as the weights file holds it, without its threshold."""
    weight = weight_of(asked)
    rank = fit_rank(asked, weight)
    answer, bias = fit_answer(asked, rank, weight)
    return {"rank": rank, "answer": answer, "bias": bias}


def probabilities(
    asked: Sequence[Asked], model: dict
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the probability of each question's answer, whether it is right, and whether there is one."""
    rows = [(one, *best(one, model["rank"])) for one in asked if len(one.right)]
    logits = np.array([row @ model["answer"] + model["bias"] for _, _, row in rows])
    return (
        1 / (1 + np.exp(-logits)),
        np.array([r for _, r, _ in rows]),
        np.array([one.answerable for one, _, _ in rows]),
    )


def figures(asked: Sequence[Asked], model: dict, threshold: float) -> dict[str, float]:
    chances, right, answerable = probabilities(asked, model)
    given = chances >= threshold
    bins = np.minimum(9, (chances * 10).astype(int))
    gaps = [abs(chances[bins == b].sum() - right[bins == b].sum()) for b in range(10)]
    return {
        "right": round(float((given & right)[answerable].mean()), 3),
        "refused": round(float((~given)[~answerable].mean()), 3),
        "precision": round(float(right[given].mean()), 3) if given.any() else 0.0,
        "calibration_error": round(float(sum(gaps) / len(chances)), 3),
    }


def main() -> int:
    reader = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    reader.add_argument("data", type=Path)
    reader.add_argument(
        "--budget",
        type=float,
        default=0.12,
        help="share of unanswerable questions that may be answered",
    )
    options = reader.parse_args()
    asked, corpora = questions(options.data)
    titles = sorted({question.group for question in asked if question.kind == "xquad"})
    np.random.default_rng(0).shuffle(titles)
    taught = set(titles[: len(titles) // 2])
    pick = random.Random(1)
    used = [
        q
        for q in asked
        if q.kind == "manual" or q.group in taught or (q.kind == "covid" and pick.random() < 0.3)
    ]
    with tempfile.TemporaryDirectory() as folder:
        asker = Asker(Path(folder), corpora)
        rows = training_set(asker, used, pick)
    fold = [pick.random() < 0.3 for _ in rows]
    trial = fit([row for row, out in zip(rows, fold, strict=True) if not out])
    kept = [row for row, out in zip(rows, fold, strict=True) if out]
    chances, _, answerable = probabilities(kept, trial)
    threshold = round(float(np.quantile(chances[~answerable], 1 - options.budget)), 3)
    print("held-out fold:", threshold, figures(kept, trial, threshold))
    model = fit(rows)
    written = {
        "provenance": "XQuAD English (CC BY-SA 4.0), half of its articles; COVID-QA (Apache-2.0); questions on this "
        "manual. Written by benchmarks/answer_training.py.",
        "rank": {n: round(float(w), 4) for n, w in zip(FEATURES, model["rank"], strict=True) if w},
        "answer": {
            n: round(float(w), 4)
            for n, w in zip(BEST_FEATURES, model["answer"], strict=True)
            if abs(w) > 1e-6
        },
        "bias": round(float(model["bias"]), 4),
        "threshold": threshold,
    }
    file = ROOT / "src" / "trimtab" / "answers" / WEIGHTS_FILE
    file.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
