"""Decides which unit answers a question, and whether any does, with trained weights.

Two logistic models over the columns of `evidence`: one ranks the units of a question, the other
returns the probability that the best of them answers it. The best few units of an English or a
Spanish question are also read together with it by a cross-encoder: words say which unit it may be,
the reading whether one answers. ``answer_weights.json`` has the weights of all ways and says on
what they were trained; ``benchmarks/answer_training.py`` writes it.
"""

import json
import logging
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trimtab.answers.evidence import FEATURES, Candidate, UnitEvidence, hits_of
from trimtab.answers.question import AnalysedQuestion
from trimtab.kernel.errors import TrimtabError
from trimtab.text.languages import DEFAULT_LANGUAGE
from trimtab.text.sentences import BlockKind
from trimtab.text.words import stems

WEIGHTS_FILE = "answer_weights.json"
SHORTLIST = 6
"""How many of the best units by words are looked at closely."""
READ = 4
"""How many of them are read together with the question."""
READ_BEHIND = 1.0
"""How far by words a unit may be behind the best one and still be read."""
UNREAD = -7.0
"""The reading of a unit further behind: nearly always that of a text about something else."""
BEST_FEATURES = (*FEATURES, "score", "margin", "certainty", "thin", "reading", "reading_margin")
"""What the second model sees: the best unit's columns, its score, its lead over the next unit that
says something else, its share of the exponential scores, how much less than half of the question
it covers, and what the cross-encoder says of it and of its lead; 0 when nothing was read."""
MIN_COVERAGE = 0.15
"""Below it a unit shares next to nothing with the question, whatever else speaks for it."""
MIN_READING = -7.0
"""Below it the cross-encoder takes a text for one about something else, even if the name of its
document has much of the question."""
MIN_ASKED = 0.3
"""The share of the question in one of the text's own questions from which they are much alike."""
_DEPENDS = re.compile(
    r"\W*(?:it|its|they|their|he|his|she|her|(?:all )?(?:this|these|that|those|of them)|otherwise"
    r"|instead|both|no|yes)\b",
    re.I,
)
_SHORT, _WORDS_BEFORE, _WORDS_ASKED = 6, 16, 24
_TITLE, _ASKED = FEATURES.index("title"), FEATURES.index("question_above")
_REQUESTED = [FEATURES.index("type"), FEATURES.index("code_wanted")]
"""Columns that are 1 for the kind of thing that is asked for: one such unit is always read."""
_log = logging.getLogger(__name__)

Scores = NDArray[np.float64]


class Reader(Protocol):
    """Reads a question and a text together."""

    def score(self, question: str, texts: Sequence[str]) -> Scores:
        """Return how well each text answers, shape (len(texts),)."""
        ...


@dataclass(frozen=True, slots=True)
class AnswerChoice:
    """The best units in order and the probability that the first answers the question."""

    order: tuple[int, ...]
    """Places among the candidates."""
    scores: Scores
    """Of the same, in the same order."""
    probability: float
    threshold: float
    """The lowest probability with which an answer is given."""
    second: float
    """The distance in score within which a further unit is about as likely."""
    read: bool = False
    """Whether a cross-encoder has read the best units."""


@dataclass(frozen=True, slots=True)
class AnswerModel:
    """The weights of both models, with or without a cross-encoder's reading."""

    rank: Scores
    """Shape (len(FEATURES),)."""
    answer: Scores
    """Shape (len(BEST_FEATURES),)."""
    bias: float
    threshold: float
    """The lowest probability with which an answer is given: chosen on an error budget."""
    second: float = 0.0
    """The distance in score within which a further unit is about as likely."""
    reading: float = 0.0
    """The weight of the cross-encoder's score next to that of the words; 0 reads nothing."""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "AnswerModel":
        """Return the model of a weights file; a feature without a weight counts nothing."""
        return cls(
            np.array([given["rank"].get(name, 0.0) for name in FEATURES]),
            np.array([given["answer"].get(name, 0.0) for name in BEST_FEATURES]),
            given["bias"],
            given["threshold"],
            given["second"],
            given["reading"],
        )

    def choose(
        self, question: AnalysedQuestion, found: UnitEvidence, reader: Reader | None = None
    ) -> AnswerChoice:
        """Rank the candidates and judge the best.

        Raises:
            TrimtabError: The reader failed.
        """
        if not found.candidates:
            return AnswerChoice((), np.empty(0), 0.0, self.threshold, self.second)
        if question.title and found.features[:, _TITLE].any():
            return self._document(question, found)
        every = found.features @ self.rank
        best = np.argsort(-every, kind="stable")[: READ if reader else SHORTLIST]
        scores, readings = every[best], np.zeros(len(best))
        if reader is not None:
            best, worth = _worth_reading(found, every, best)
            texts = [reading_text(found.candidates[at], question) for at in best[worth]]
            scores, readings = every[best], np.full(len(best), UNREAD)
            readings[worth] = reader.score(question.text, texts)
            scores = scores + self.reading * readings
            again = np.argsort(-scores, kind="stable")
            best, scores, readings = best[again], scores[again], readings[again]
        order = tuple(best.tolist())
        if found.candidates[order[0]].coverage < MIN_COVERAGE or readings[0] < MIN_READING:
            return AnswerChoice(order, scores, 0.0, self.threshold, self.second)
        columns = best_columns(found, order, scores, readings)
        logit = float(columns @ self.answer) + self.bias
        probability = 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))
        read = reader is not None
        return AnswerChoice(order, scores, probability, self.threshold, self.second, read)

    def _document(self, question: AnalysedQuestion, found: UnitEvidence) -> AnswerChoice:
        """Return the title of the document that has most of the question.

        Hardly any training question asked for a document. Set by hand: half of the question's words
        are a weak sign that a document is the right one.
        """
        titles = np.flatnonzero(found.features[:, _TITLE])
        every = found.features @ self.rank
        best = titles[np.argsort(-every[titles], kind="stable")]
        unit = found.candidates[best[0]].unit
        share = float(np.mean(hits_of(tuple(question.terms), unit.stems | unit.context)))
        order = tuple(int(at) for at in best[:1])
        return AnswerChoice(order, every[best[:1]], share**2, self.threshold, self.second)


def _worth_reading(
    found: UnitEvidence, every: Scores, best: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the best few units by words, and which of them are read with the question.

    One of the kind that is asked for, and the first one below the most similar question, are among
    them and are read, however little words say for them.
    """
    worth = every[best] >= every[best[0]] - READ_BEHIND
    requested = found.features[:, _REQUESTED].max(axis=1) == 1.0
    if requested.any() and not requested[best].any():
        best[-1], worth[-1] = np.argmax(np.where(requested, every, -np.inf)), True
    below = int(np.argmax(found.features[:, _ASKED]))
    if found.features[below, _ASKED] > MIN_ASKED and below not in best:
        at = max(-2, -len(best)) if requested[best[-1]] else -1
        best[at], worth[at] = below, True
    return best, worth


def reading_text(candidate: Candidate, question: AnalysedQuestion) -> str:
    """Return what a cross-encoder reads of a unit: its innermost heading and its text.

    Words of the question that only the document's title has come first: a text need not repeat what
    its document is about.
    Before a unit below a question of the text stands that question; before one that begins with a
    pronoun, and before a short sentence, the words that come before it.
    """
    passage, unit = candidate.passage, candidate.unit
    shown = " ".join(unit.shown.split())
    heading = passage.heading.rpartition(" > ")[2]
    before = passage.text[: unit.start].rpartition(heading)[2] if heading else ""
    before = before or passage.text[: unit.start]
    is_short = shown.count(" ") < _SHORT and unit.kind is not BlockKind.ITEM
    if unit.asked and "?" in before:
        asked = before[: before.rfind("?") + 1].split()[-_WORDS_ASKED:]
        shown = " ".join([*asked, shown])
    elif _DEPENDS.match(shown) or is_short:
        shown = " ".join([*before.split()[-_WORDS_BEFORE:], shown])
    shown = f"{heading}: {shown}" if heading else shown
    subject = _only_in_title(passage.title, shown, question)
    return f"{subject}: {shown}" if subject else shown


def _only_in_title(title: str, shown: str, question: AnalysedQuestion) -> str:
    """Return the words of a title that the question has and the text does not have."""
    if not title:
        return ""
    missing = question.terms.keys() - stems(shown)
    return " ".join(word for word in title.split() if not missing.isdisjoint(stems(word)))


def best_columns(
    found: UnitEvidence, order: Sequence[int], scores: Scores, readings: Scores
) -> Scores:
    """Return the `BEST_FEATURES` of the first candidate."""
    best = found.candidates[order[0]]
    rivals = [
        at
        for at, place in enumerate(order)
        if at and not found.candidates[place].unit.stems <= best.unit.stems
    ]
    margin = float(scores[0] - scores[rivals[0]]) if rivals else 1.0
    certainty = 1 / float(np.exp(scores - scores[0]).sum())
    thin = max(0.0, 0.5 - best.coverage)
    lead = float(readings[0] - readings[rivals].max()) if rivals else 1.0
    own = [float(scores[0]), margin, certainty, thin, float(readings[0]), lead]
    return np.concatenate([found.features[order[0]], own])


@dataclass(frozen=True, slots=True)
class ShippedModels:
    """The weights of this release: with a cross-encoder's reading, and by words alone."""

    read: AnswerModel
    spanish: AnswerModel
    """With a reading too, which weighs less: the cross-encoder was trained on English."""
    words: AnswerModel

    def choose(self, question: AnalysedQuestion, found: UnitEvidence) -> AnswerChoice:
        """Rank and judge; by words alone when a title is asked for, or in a further language."""
        model = {DEFAULT_LANGUAGE: self.read, "spanish": self.spanish}.get(question.language)
        reads = model is not None and not question.title and found.candidates
        if model is not None and reads and (reader := shipped_reader()) is not None:
            try:
                return model.choose(question, found, reader)
            except TrimtabError as error:
                _log.warning("cross-encoder failed", extra={"reason": error.message})
        return self.words.choose(question, found)


@cache
def shipped_models() -> ShippedModels:
    """Return the weights of this release."""
    text = files("trimtab.answers").joinpath(WEIGHTS_FILE).read_text(encoding="utf-8")
    given = json.loads(text)
    return ShippedModels(*(AnswerModel.of(given[name]) for name in ("read", "spanish", "words")))


@cache
def shipped_reader() -> Reader | None:
    """Return the cross-encoder of this release, loaded once; None when its files are unusable."""
    # Loads the inference engine, which only answers need.
    from trimtab.knowledge.embedding.reader import load_reader

    try:
        return load_reader()
    except TrimtabError as error:
        _log.warning("answers are found by words alone", extra={"reason": error.message})
        return None
