"""Decides which unit answers a question, and whether any does, with trained weights.

Two logistic models over the columns of `evidence`: one ranks the units of a question, the other
returns the probability that the best of them answers it. ``answer_weights.json`` has the weights
and says on what they were trained; ``benchmarks/answer_training.py`` writes it.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.answers.evidence import FEATURES, UnitEvidence

WEIGHTS_FILE = "answer_weights.json"
SHORTLIST = 6
"""How many of the best units by words are looked at closely."""
BEST_FEATURES = (*FEATURES, "score", "margin", "certainty", "thin")
"""What the second model sees: the best unit's columns, its score, its lead over the next unit that
says something else, its share of the exponential scores, and how much less than half of the
question it covers."""
_MIN_COVERAGE = 0.15
"""Below it a unit shares next to nothing with the question, whatever else speaks for it."""

Scores = NDArray[np.float64]


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


@dataclass(frozen=True, slots=True)
class AnswerModel:
    """The weights of both models."""

    rank: Scores
    """Shape (len(FEATURES),)."""
    answer: Scores
    """Shape (len(BEST_FEATURES),)."""
    bias: float
    threshold: float
    """The lowest probability with which an answer is given: chosen on an error budget."""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "AnswerModel":
        """Return the model of a weights file; a feature without a weight counts nothing."""
        return cls(
            np.array([given["rank"].get(name, 0.0) for name in FEATURES]),
            np.array([given["answer"].get(name, 0.0) for name in BEST_FEATURES]),
            given["bias"],
            given["threshold"],
        )

    def choose(self, found: UnitEvidence) -> AnswerChoice:
        """Rank the candidates and judge the best."""
        if not found.candidates:
            return AnswerChoice((), np.empty(0), 0.0, self.threshold)
        every = found.features @ self.rank
        best = np.argsort(-every, kind="stable")[:SHORTLIST]
        order, scores = tuple(int(at) for at in best), every[best]
        if found.candidates[order[0]].coverage < _MIN_COVERAGE:
            return AnswerChoice(order, scores, 0.0, self.threshold)
        columns = best_columns(found, order, scores)
        logit = float(columns @ self.answer) + self.bias
        probability = 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))
        return AnswerChoice(order, scores, probability, self.threshold)


def best_columns(found: UnitEvidence, order: Sequence[int], scores: Scores) -> Scores:
    """Return the `BEST_FEATURES` of the first candidate."""
    best = found.candidates[order[0]]
    rivals = (
        score
        for at, score in zip(order[1:], scores[1:], strict=True)
        if not found.candidates[at].unit.stems <= best.unit.stems
    )
    rival = next(rivals, None)
    margin = float(scores[0] - rival) if rival is not None else 1.0
    certainty = 1 / float(np.exp(scores - scores[0]).sum())
    thin = max(0.0, 0.5 - best.coverage)
    own = [float(scores[0]), margin, certainty, thin]
    return np.concatenate([found.features[order[0]], own])


@cache
def shipped_model() -> AnswerModel:
    """Return the model of this release."""
    text = files("trimtab.answers").joinpath(WEIGHTS_FILE).read_text(encoding="utf-8")
    return AnswerModel.of(json.loads(text))
