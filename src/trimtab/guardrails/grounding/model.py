"""Grounding model: calibrated probability that a context supports a claim."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np

from trimtab.guardrails.errors import WeightsDamaged
from trimtab.guardrails.grounding.evidence import Evidence, evidence

WEIGHTS = Path(__file__).parent / "weights.json"
FIELDS = (*(field.name for field in fields(Evidence) if field.name != "on_topic"), "bias")
_TOPICS = ("off_topic", "on_topic")


@dataclass(frozen=True, slots=True)
class Curve:
    """Monotonic calibration curve, fitted on held-out claims; linear between its points."""

    scores: tuple[float, ...]
    chances: tuple[float, ...]

    def at(self, score: float) -> float:
        """Return the probability for a score; an empty curve is the identity."""
        return float(np.interp(score, self.scores, self.chances)) if self.scores else score


@dataclass(frozen=True, slots=True)
class GroundingModel:
    """Two logistic regressions over `Evidence`, blended by `Evidence.on_topic`.

    When the sources treat the question, one new word in the answer is suspicious. In conversation
    away from the sources, new words are common and carry little information.
    """

    weights: tuple[float, ...]
    """The off-topic regression, then the on-topic one: a weight for each field of `Evidence` except
    `on_topic`, and a bias."""
    curves: tuple[Curve, Curve] = (Curve((), ()), Curve((), ()))
    """Calibration off topic and on topic; blended like the regressions."""

    def probability(self, found: Evidence) -> float:
        """Return the probability, in [0, 1], that the claim is supported."""
        total = sum(
            weight * value for weight, value in zip(self.weights, inputs(found), strict=True)
        )
        score = 1 / (1 + math.exp(-max(-60.0, min(60.0, total))))
        off_topic, on_topic = (curve.at(score) for curve in self.curves)
        return (1 - found.on_topic) * off_topic + found.on_topic * on_topic

    def save(self, file: Path) -> None:
        """Write the weights to a JSON file, by name of their field."""
        half = len(FIELDS)
        named = {
            "off_topic": dict(zip(FIELDS, self.weights[:half], strict=True)),
            "on_topic": dict(zip(FIELDS, self.weights[half:], strict=True)),
            "curves": {
                topic: asdict(curve) for topic, curve in zip(_TOPICS, self.curves, strict=True)
            },
        }
        file.write_text(json.dumps(named, indent=2) + "\n", "utf-8")


def inputs(found: Evidence) -> tuple[float, ...]:
    """Return features and bias, weighted off topic and then on topic."""
    *values, topic = found.row()
    row = (*values, 1.0)
    return (*(value * (1 - topic) for value in row), *(value * topic for value in row))


@lru_cache(maxsize=4)
def load(file: Path = WEIGHTS) -> GroundingModel:
    """Load the model from its file, or raise `WeightsDamaged`."""
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        weights = (float(stored[topic][name]) for topic in _TOPICS for name in FIELDS)
        off_topic, on_topic = (_curve(stored["curves"][topic]) for topic in _TOPICS)
        return GroundingModel(tuple(weights), (off_topic, on_topic))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsDamaged(f"{file.name} cannot be used: {error!r}.") from error


def _curve(stored: Mapping[str, Sequence[float]]) -> Curve:
    scores, chances = (tuple(map(float, stored[name])) for name in ("scores", "chances"))
    if len(scores) != len(chances) or list(scores) != sorted(scores):
        raise ValueError(
            "the scores of a calibration curve do not rise or do not match its probabilities"
        )
    return Curve(scores, chances)


def grounded(context: str, claim: str, question: str = "") -> float:
    """Return the calibrated probability that the context supports the claim."""
    return load().probability(evidence(context, claim, question))
