"""Tone of a sentence for the company: features of its words and statements, small linear model."""

import json
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trimtab.models.trained.earnings.metrics import COSTS
from trimtab.models.trained.earnings.records import FinancialStatement

TONES = ("negative", "neutral", "positive")
FEATURES = (
    "balance of moves", "good", "bad", "good words", "bad words", "balance of words",
    "less of something bad", "more of something bad", "negated", "outsider", "bare figures",
    "guidance", "we",
)  # fmt: skip

_WORDS = Path(__file__).with_name("tone_words.toml")
_WE = re.compile(r"\b(?:we|our|us)\b")


@dataclass(frozen=True, slots=True)
class ToneModel:
    """Weights of the tone classes over `FEATURES`."""

    weights: NDArray[np.float64]
    """Shape (classes, features)."""
    intercept: NDArray[np.float64]

    def probabilities(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities of `TONES`, shape (rows, classes)."""
        scores = features @ self.weights.T + self.intercept
        exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = exponents / exponents.sum(axis=1, keepdims=True)
        return shares

    def to_bytes(self) -> bytes:
        """Return the weights as JSON."""
        body = {
            "features": FEATURES,
            "tones": TONES,
            "weights": self.weights.round(6).tolist(),
            "intercept": self.intercept.round(6).tolist(),
        }
        return json.dumps(body, indent=1).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "ToneModel":
        """Return the model that `to_bytes` wrote; raises `ValueError` for other features."""
        body = json.loads(content)
        if tuple(body["features"]) != FEATURES or tuple(body["tones"]) != TONES:
            raise ValueError("The tone weights are of other features than this release computes.")
        return cls(np.asarray(body["weights"]), np.asarray(body["intercept"]))


@cache
def _lexicon() -> Mapping[str, re.Pattern[str]]:
    words = tomllib.loads(_WORDS.read_text(encoding="utf-8"))
    return {name: re.compile(rf"\b(?:{'|'.join(entries)})\b") for name, entries in words.items()}


def tone_features(
    text: str, statements: Sequence[FinancialStatement], *, outsider: bool
) -> NDArray[np.float64]:
    """Return the features of one sentence, in the order of `FEATURES`."""
    lower, lexicon = text.lower(), _lexicon()
    good_words = len(lexicon["positive"].findall(lower))
    bad_words = len(lexicon["negative"].findall(lower))
    worse = lexicon["raised_bad"].search(lower) is not None
    moves = [_polarity(item, worse=worse) for item in statements] + _comparisons(statements)
    good, bad = sum(move > 0 for move in moves), sum(move < 0 for move in moves)
    values = {
        "balance of moves": (good - bad) / max(1, good + bad),
        "good": float(good > 0),
        "bad": float(bad > 0),
        "good words": math.log1p(good_words),
        "bad words": math.log1p(bad_words),
        "balance of words": (good_words - bad_words) / (1 + good_words + bad_words),
        "less of something bad": float(lexicon["reduced_bad"].search(lower) is not None),
        "more of something bad": float(worse),
        "negated": float(lexicon["softened"].search(lower) is not None),
        "outsider": float(outsider),
        "bare figures": float(bool(statements) and not any(moves)),
        "guidance": float(any(statement.nature == "guidance" for statement in statements)),
        "we": float(_WE.search(lower) is not None),
    }
    return np.asarray(
        [0.0 if outsider and name != "outsider" else values[name] for name in FEATURES]
    )


def _polarity(statement: FinancialStatement, *, worse: bool) -> int:
    """Return 1 for a movement that is good for the company, -1 for a bad one, else 0."""
    sign = {"up": 1, "down": -1}.get(statement.direction, 0)
    if statement.metric == "cost_savings":
        return 1
    if statement.metric == "other" and worse:
        return -abs(sign)
    return -sign if statement.metric in COSTS else sign


def _comparisons(statements: Sequence[FinancialStatement]) -> list[int]:
    """Return the signs of levels against the levels that they are compared with."""
    found: list[int] = []
    for at, second in enumerate(statements):
        if not second.comparator:
            continue
        first = next((s for s in reversed(statements[:at]) if _comparable(s, second)), None)
        if first is not None:
            sign = int(first.amount > second.amount) - int(first.amount < second.amount)
            found.append(-sign if first.metric in COSTS else sign)
    return found


def _comparable(first: FinancialStatement, second: FinancialStatement) -> bool:
    levels = first.value_kind == second.value_kind == "level" and not first.comparator
    return levels and (first.metric, first.unit) == (second.metric, second.unit)
