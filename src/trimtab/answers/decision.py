"""Decides which unit answers a question, and whether any does, with trained weights.

Two logistic models over the columns of `evidence`: one ranks the units of a question, the other
returns the probability that the best of them answers it. ``answer_weights.json`` has the weights
and says on what they were trained; ``benchmarks/answer_training.py`` writes it.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.answers.evidence import FEATURES, UnitEvidence

WEIGHTS_FILE = "answer_weights.json"
BEST_FEATURES = (*FEATURES, "score", "margin", "certainty", "thin")
"""What the second model sees: the best unit's columns, its score, its lead over the next unit that
says something else, its share of all units' exponential scores, and how much less than half of the
question it covers."""

_MIN_COVERAGE = 0.15
"""Below it a unit shares next to nothing with the question, whatever else speaks for it."""


@dataclass(frozen=True, slots=True)
class AnswerChoice:
    """The units in order and the probability that the first answers the question."""

    order: tuple[int, ...]
    scores: NDArray[np.float64]
    probability: float


@dataclass(frozen=True, slots=True)
class AnswerModel:
    """The weights of both models."""

    rank: NDArray[np.float64]
    """Shape (len(FEATURES),)."""
    answer: NDArray[np.float64]
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

    def decide(self, found: UnitEvidence) -> AnswerChoice:
        """Rank the candidates and judge the best."""
        if not found.candidates:
            return AnswerChoice((), np.empty(0), 0.0)
        scores = found.features @ self.rank
        order = tuple(int(at) for at in np.argsort(-scores, kind="stable"))
        if found.candidates[order[0]].coverage < _MIN_COVERAGE:
            return AnswerChoice(order, scores, 0.0)
        columns = best_columns(found, scores, order)
        logit = float(columns @ self.answer) + self.bias
        return AnswerChoice(order, scores, 1 / (1 + math.exp(-max(-50.0, min(50.0, logit)))))


def best_columns(
    found: UnitEvidence, scores: NDArray[np.float64], order: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return the `BEST_FEATURES` of the best candidate."""
    best = order[0]
    held = found.candidates[best].unit.stems
    rivals = (at for at in order[1:] if not found.candidates[at].unit.stems <= held)
    rival = next(rivals, None)
    margin = scores[best] - scores[rival] if rival is not None else 1.0
    certainty = 1 / float(np.exp(scores - scores[best]).sum())
    thin = max(0.0, 0.5 - found.candidates[best].coverage)
    return np.concatenate([found.features[best], [scores[best], margin, certainty, thin]])


@cache
def shipped_model() -> AnswerModel:
    """Return the model of this release."""
    text = files("trimtab.answers").joinpath(WEIGHTS_FILE).read_text(encoding="utf-8")
    return AnswerModel.of(json.loads(text))
