"""Trains the weights that choose a sentence and decide whether it answers.

`python -m benchmarks.answer_training DATA [--budget 0.12]` writes `answer_weights.json` in the package, in about ten minutes;
with `--spanish` it writes only the weights for questions in Spanish.

DATA holds `guards/qa_xquad_en` (XQuAD, CC BY-SA 4.0), of which half of the articles are used, and `qa_covid` (COVID-QA,
Apache-2.0). The third set is `answer_training_questions.jsonl`, questions on trimtab's own manual. Each question is asked of
its corpus as it is, and again without the documents that hold the answer: then nothing is right. Questions of other sets asked
of the manual, and XQuAD questions asked of a single context, right and wrong, complete it. Half of the questions are reduced to
their key words, as people type them.

Ranking is a conditional logit over the units of a question, the weight of the cross-encoder's reading another one over the best
few of them; the decision is a logistic model of the best unit. Evidence for an answer has no negative weight and missing
evidence no positive one. All is done twice: with the reading, and by words alone. The threshold is the lowest one at which the
share of unanswerable questions that would be answered stays within the budget, and a second sentence is quoted as often as
MORE_SENTENCES says, both over questions that were left out of the training.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from trimtab.answers import SourcePassage
from trimtab.answers.decision import (
    BEST_FEATURES,
    MIN_COVERAGE,
    MIN_READING,
    READ,
    SHORTLIST,
    WEIGHTS_FILE,
    Reader,
    best_columns,
    reading_text,
    shipped_models,
    shipped_reader,
)
from trimtab.answers.evidence import FEATURES, UnitEvidence, evidence
from trimtab.answers.question import AnalysedQuestion
from trimtab.app.handbook import HANDBOOK, Handbook
from trimtab.app.retrieval import KnowledgeRetriever
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.events import Events
from trimtab.kernel.health import Health
from trimtab.knowledge import Knowledge, KnowledgeContext
from trimtab.text.languages import DEFAULT_LANGUAGE
from trimtab.text.words import STOP_WORDS

ROOT = Path(__file__).parent.parent
OWN_QUESTIONS = Path(__file__).parent / "answer_training_questions.jsonl"
PASSAGES = 5
SPANISH_BUDGET = 0.05
"""The share of the unanswerable questions in Spanish that may be answered."""
MORE_SENTENCES = 0.25
"""The share of the answers with a second sentence."""
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
        "path_wanted",
        "score",
        "margin",
        "certainty",
        "reading",
        "reading_margin",
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
        "path_wanted",
        "introduces",
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
        "near",
        "elsewhere",
        "question_above",
        "heading",
    ]
)
"""What helps to rank but says little of whether there is an answer."""
READ_INSTEAD = frozenset(
    ["own", "context", "pairs", "passage_score", "similarity", "score", "certainty"]
)
"""What the reading says better; with it the threshold of one corpus fits another one."""
TITLE_WANTED = 8.0
"""Set by hand: too few training questions ask for a document. The unit exists only for those that do."""
CODE_WANTED = 5.0
"""Set by hand: too few of them ask for a command that stands in a block of its own."""
PATH_WANTED, INTRODUCES = 5.0, -8.0
"""Set by hand: texts of a library of facts have no paths, and no lines that announce a block."""
_RANK_L2, _ANSWER_L2 = 0.003, 0.005
_LEAST_DEVIATION = 0.08
PROVENANCE = (
    "XQuAD English and Spanish (CC BY-SA 4.0), half of its articles; COVID-QA (Apache-2.0); questions on this manual. Written by "
    "benchmarks/answer_training.py."
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """A question with the evidence of its candidates; ``right`` has one entry for each."""

    kind: str
    answerable: bool
    question: AnalysedQuestion
    found: UnitEvidence
    right: NDArray[np.bool_]
    readings: Floats | None = None
    """Of the best READ units by words, NaN for the others; None when nothing is read."""


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
        self.retriever = KnowledgeRetriever(self.knowledge)
        for name, documents in corpora.items():
            for at, (document, text) in enumerate(documents.items()):
                self.knowledge.ingest_bytes(name, document, text.encode())
                if at % 50 == 0:
                    say(f"{name}: {at} of {len(documents)} documents")
        Handbook(self.knowledge, folder / "pages.json", clock).ingest()
        say("the manual is ingested")

    def passages(self, corpus: str, text: str) -> list[SourcePassage]:
        project = HANDBOOK if corpus == "manual" else corpus
        return list(self.retriever.search(project, text, 4 * PASSAGES).passages)

    def ask(
        self, question: Question, text: str, passages: Sequence[SourcePassage], *, answerable: bool
    ) -> Asked:
        return asked_of(question, text, passages, answerable=answerable)


def asked_of(
    question: Question, text: str, passages: Sequence[SourcePassage], *, answerable: bool
) -> Asked:
    """Return the evidence for a question's wording, and which units hold the answer."""
    analysed = AnalysedQuestion.of(text)
    found = evidence(analysed, passages)
    right = [
        answerable
        and c.passage.document_name == (question.document or c.passage.document_name)
        and holds(question, c.passage.text[c.unit.start : c.unit.end] + "\n" + c.unit.shown)
        for c in found.candidates
    ]
    return Asked(question.kind, answerable, analysed, found, np.array(right, bool))


def say(text: str) -> None:
    print(f"{time.process_time():.0f} s of CPU: {text}", file=sys.stderr, flush=True)


def training_set(asker: Asker, asked: Sequence[Question], pick: random.Random) -> list[Asked]:
    """Ask each question with and without the documents that hold its answer."""
    found = list[Asked]()
    for at, question in enumerate(asked):
        if at % 200 == 0:
            say(f"asked {at} of {len(asked)} questions")
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
    every = np.concatenate([one.found.features for one in used])
    mean, deviation = every.mean(0), np.maximum(every.std(0), _LEAST_DEVIATION)
    columns = (every - mean) / deviation
    sizes = [len(one.right) for one in used]
    starts, owner = np.cumsum([0, *sizes[:-1]]), np.repeat(np.arange(len(used)), sizes)
    right = np.concatenate([one.right for one in used])
    shares = np.array([weight(one) for one in used])
    shares /= shares.sum()

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = columns @ weights
        powers = np.exp(scores - np.maximum.reduceat(scores, starts)[owner])
        whole, hit = np.add.reduceat(powers, starts), np.add.reduceat(powers * right, starts)
        value = -float(shares @ np.log(hit / whole)) + _RANK_L2 * float(weights @ weights)
        gap = shares[owner] * (powers / whole[owner] - powers * right / hit[owner])
        return value, columns.T @ gap + 2 * _RANK_L2 * weights

    limits = bounds(FEATURES)
    found = minimize(loss, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B", bounds=limits).x
    found /= deviation
    found[[FEATURES.index("title"), FEATURES.index("not_compared")]] = 0.0
    found[FEATURES.index("title_wanted")] = TITLE_WANTED
    found[FEATURES.index("code_wanted")] = CODE_WANTED
    found[FEATURES.index("path_wanted")] = PATH_WANTED
    found[FEATURES.index("introduces")] = INTRODUCES
    return found


def read(one: Asked, rank: Floats, reader: Reader) -> Asked:
    """Return the question with the readings of its best units; unread in a further language."""
    if not one.found.candidates or one.question.language not in {DEFAULT_LANGUAGE, "spanish"}:
        return one
    best = np.argsort(-(one.found.features @ rank), kind="stable")[:READ]
    readings = np.full(len(one.right), np.nan)
    texts = [reading_text(one.found.candidates[at], one.question) for at in best]
    readings[best] = reader.score(one.question.text, texts)
    return replace(one, readings=readings)


def fit_reading(
    asked: Sequence[Asked], rank: Floats, weight: Callable[[Asked], float]
) -> tuple[float, float]:
    """Return the weights of score and reading: a conditional logit over the units that were read."""
    rows = list[tuple[Floats, NDArray[np.bool_], float]]()
    for one in asked:
        if one.readings is None:
            continue
        kept = ~np.isnan(one.readings)
        right = one.right[kept]
        if right.any() and not right.all():
            scores = one.found.features[kept] @ rank
            rows.append((np.column_stack([scores, one.readings[kept]]), right, weight(one)))
    total = sum(share for _, _, share in rows)

    def loss(weights: Floats) -> tuple[float, Floats]:
        value, slope = 0.0, np.zeros(2)
        for columns, right, share in rows:
            scores = columns @ weights
            chances = np.exp(scores - scores.max())
            chances /= chances.sum()
            hit = float(chances[right].sum())
            value -= share / total * float(np.log(hit))
            slope += share / total * (columns.T @ (chances - chances * right / hit))
        return value, slope

    limits = [(0.05, None), (0.0, None)]
    scale, reading = minimize(
        loss, np.array([0.5, 0.3]), jac=True, method="L-BFGS-B", bounds=limits
    ).x
    return float(scale), float(reading)


@dataclass(frozen=True)
class Chosen:
    """The best units of a question, as `decision` ranks them."""

    order: list[int]
    scores: Floats
    columns: Floats
    """The `BEST_FEATURES` of the first."""


def choose(one: Asked, rank: Floats, reading: float) -> Chosen:
    """Rank the units with or without their readings."""
    scores = one.found.features @ rank
    if reading and one.readings is not None:
        scores = scores + reading * one.readings  # NaN sorts last and is cut off.
        count = int((~np.isnan(one.readings)).sum())
        readings = one.readings
    else:
        count, readings = min(SHORTLIST, len(scores)), np.zeros(len(scores))
    order = [int(at) for at in np.argsort(-scores, kind="stable")[:count]]
    columns = best_columns(one.found, order, scores[order], readings[order])
    return Chosen(order, scores[order], columns)


def fit_answer(
    asked: Sequence[Asked], rank: Floats, reading: float, weight: Callable[[Asked], float]
) -> tuple[Floats, float]:
    """Return the weights and the bias of the decision: a logistic model with signs given."""
    every = [one for one in asked if len(one.right)]
    judged = [choose(one, rank, reading) for one in every]
    first = np.array([float(one.right[c.order[0]]) for one, c in zip(every, judged, strict=True)])
    # Whether there is an answer is learned from the questions without one, and from those whose
    # best unit is right: another best unit may answer in words that the gold answer does not have.
    clear = [bool(right) or not one.answerable for one, right in zip(every, first, strict=True)]
    seen = [one for one, kept in zip(every, clear, strict=True) if kept]
    y = first[clear]
    columns = np.array([chosen.columns for chosen, kept in zip(judged, clear, strict=True) if kept])
    mean, deviation = columns.mean(0), columns.std(0) + 1e-6
    scaled = (columns - mean) / deviation
    ignored = NOT_JUDGED | (READ_INSTEAD if reading else {"reading", "reading_margin"})
    scaled[:, [BEST_FEATURES.index(name) for name in ignored]] = 0.0
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
    bias = float(found[-1] - weights @ mean)
    known = [one.right.any() or not one.answerable for one in every]
    logits = np.array([c.columns @ weights + bias for c in judged])[known]
    slope, shift = calibration(
        logits, first[known], np.array([weight(one) for one in every])[known]
    )
    return slope * weights, slope * bias + shift


def calibration(logits: Floats, right: Floats, shares: Floats) -> tuple[float, float]:
    """Return slope and shift of the logits after which they are those of the best unit being right."""
    shares = shares / shares.sum()

    def loss(line: Floats) -> float:
        chances = np.clip(1 / (1 + np.exp(-(line[0] * logits + line[1]))), 1e-9, 1 - 1e-9)
        return -float(shares @ (right * np.log(chances) + (1 - right) * np.log(1 - chances)))

    slope, shift = minimize(
        loss, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0.1, 3), (-5, 5)]
    ).x
    return float(slope), float(shift)


@dataclass(frozen=True)
class Model:
    """Weights as the file holds them, without threshold and distance of a second sentence."""

    rank: Floats
    reading: float
    answer: Floats
    bias: float

    @classmethod
    def fit(cls, asked: Sequence[Asked], rank: Floats, *, reads: bool) -> "Model":
        weight = weight_of(asked)
        scale, reading = fit_reading(asked, rank, weight) if reads else (1.0, 0.0)
        answer, bias = fit_answer(asked, scale * rank, reading, weight)
        return cls(scale * rank, reading, answer, bias)

    def judge(self, one: Asked) -> tuple[float, Chosen | None]:
        """Return the probability that the best unit answers, and the best units."""
        if not len(one.right):
            return 0.0, None
        chosen = choose(one, self.rank, self.reading)
        reading = (
            one.readings[chosen.order[0]] if self.reading and one.readings is not None else 0.0
        )
        if one.found.candidates[chosen.order[0]].coverage < MIN_COVERAGE or reading < MIN_READING:
            return 0.0, chosen
        logit = float(chosen.columns @ self.answer) + self.bias
        return float(1 / (1 + np.exp(-np.clip(logit, -50, 50)))), chosen

    def threshold(self, asked: Sequence[Asked], budget: float) -> float:
        chances = [self.judge(one)[0] for one in asked if not one.answerable]
        return round(float(np.quantile(chances, 1 - budget)), 3)

    def second(self, asked: Sequence[Asked], threshold: float) -> float:
        """Return the distance within which a second unit is quoted in MORE_SENTENCES of the answers."""
        gaps = [
            float(chosen.scores[0] - chosen.scores[1]) if len(chosen.scores) > 1 else np.inf
            for chance, chosen in map(self.judge, asked)
            if chosen is not None and chance >= threshold
        ]
        return round(float(np.quantile(gaps, MORE_SENTENCES)), 3)

    def figures(self, asked: Sequence[Asked], threshold: float) -> dict[str, float]:
        rows = [(one, *self.judge(one)) for one in asked]
        chances = np.array([chance for _, chance, _ in rows])
        right = np.array([c is not None and bool(one.right[c.order[0]]) for one, _, c in rows])
        answerable = np.array([one.answerable for one, _, _ in rows])
        given = chances >= threshold
        bins = np.minimum(9, (chances * 10).astype(int))
        gaps = [abs(chances[bins == b].sum() - right[bins == b].sum()) for b in range(10)]
        return {
            "first": round(float(right[answerable].mean()), 3),
            "right": round(float((given & right)[answerable].mean()), 3),
            "refused": round(float((~given)[~answerable].mean()), 3)
            if (~answerable).any()
            else 0.0,
            "precision": round(float(right[given].mean()), 3) if given.any() else 0.0,
            "calibration_error": round(float(sum(gaps) / len(chances)), 3),
        }

    def as_dict(self) -> dict:
        return {
            "rank": {n: round(float(w), 4) for n, w in zip(FEATURES, self.rank, strict=True) if w},
            "reading": round(self.reading, 4),
            "answer": {
                n: round(float(w), 4)
                for n, w in zip(BEST_FEATURES, self.answer, strict=True)
                if abs(w) > 1e-6
            },
            "bias": round(self.bias, 4),
        }


def trained(asked: Sequence[Asked], budget: float, pick: random.Random) -> dict:
    """Return both models as the weights file holds them."""
    out = [pick.random() < 0.3 for _ in asked]
    kept = [one for one, left in zip(asked, out, strict=True) if left]
    rest = [one for one, left in zip(asked, out, strict=True) if not left]
    written = {}
    for name, reads in (("read", True), ("words", False)):
        trial = Model.fit(rest, fit_rank(rest, weight_of(rest)), reads=reads)
        threshold = trial.threshold(kept, budget)
        second = trial.second(kept, threshold)
        print(name, "left out:", threshold, second, trial.figures(kept, threshold))
        model = Model.fit(asked, fit_rank(asked, weight_of(asked)), reads=reads)
        written[name] = {**model.as_dict(), "threshold": threshold, "second": second}
    return written


def trained_in_spanish(data: Path) -> dict:
    """Return the weights for Spanish: the English ranking, with reading and decision of their own.

    ``qa_xquad_es`` is the part of XQuAD Spanish whose English answer stands in the Spanish text; the same half of
    the articles is used.
    """
    found, documents = list[Question](), dict[str, str]()
    for row in _rows(data / "qa_xquad_es" / "data.jsonl"):
        name = f"{row['title']}-{len(row['context'])}.txt"
        documents[name] = row["context"]
        found.append(Question("xquad", row["title"], row["question"], tuple(row["answers"]), name))
    taught = taught_half(found)
    rows = list[Asked]()
    with tempfile.TemporaryDirectory() as folder:
        asker = Asker(Path(folder), {"xquad": documents})
        for question in found:
            if question.group not in taught:
                continue
            passages = asker.passages("xquad", question.text)
            left = [p for p in passages if not _is_of(question, p)][:PASSAGES]
            for given, answerable in ((passages[:PASSAGES], True), (left, False)):
                rows.append(asker.ask(question, question.text, given, answerable=answerable))
    english, reader = shipped_models().read, shipped_reader()
    if reader is None:
        raise RuntimeError("The cross-encoder cannot be loaded.")
    read_rows = [read(one, english.rank, reader) for one in rows]
    weight = weight_of(read_rows)
    scale, reading = fit_reading(read_rows, english.rank, weight)
    # In the scale of English scores: distances of a second sentence are the same.
    answer, bias = fit_answer(read_rows, english.rank, reading / scale, weight)
    model = Model(english.rank, reading / scale, answer, bias)
    threshold = model.threshold(read_rows, SPANISH_BUDGET)
    print("spanish:", threshold, model.figures(read_rows, threshold))
    return {**model.as_dict(), "threshold": threshold, "second": english.second}


def taught_half(asked: Sequence[Question]) -> set[str]:
    """Return the half of the articles of XQuAD that is trained on."""
    titles = sorted({question.group for question in asked if question.kind == "xquad"})
    np.random.default_rng(0).shuffle(titles)
    return set(titles[: len(titles) // 2])


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
    reader.add_argument("--spanish", action="store_true", help="only the weights for Spanish")
    options = reader.parse_args()
    file = ROOT / "src" / "trimtab" / "answers" / WEIGHTS_FILE
    if options.spanish:
        kept = json.loads(file.read_text(encoding="utf-8"))
        kept["spanish"] = trained_in_spanish(options.data)
        file.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        say(f"wrote {file.name}")
        return 0
    asked, corpora = questions(options.data)
    taught = taught_half(asked)
    pick = random.Random(1)
    used = [
        q
        for q in asked
        if q.kind == "manual" or q.group in taught or (q.kind == "covid" and pick.random() < 0.3)
    ]
    with tempfile.TemporaryDirectory() as folder:
        rows = training_set(Asker(Path(folder), corpora), used, pick)
    reader = shipped_reader()
    if reader is None:
        print("The cross-encoder cannot be loaded.", file=sys.stderr)
        return 1
    rank = fit_rank(rows, weight_of(rows))
    for at in range(len(rows)):
        if at % 500 == 0:
            say(f"read {at} of {len(rows)}")
        rows[at] = read(rows[at], rank, reader)
    spanish = json.loads(file.read_text(encoding="utf-8"))["spanish"]
    english = trained(rows, options.budget, pick)
    written = {"provenance": PROVENANCE, "spanish": spanish, **english}
    file.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    say(f"wrote {file.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
