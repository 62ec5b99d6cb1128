"""The grounding score: evidence weighed so that 0.85 means supported in 85 of 100 such cases."""

import json
import math
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

from trimtab.guardrails.errors import WeightsDamaged
from trimtab.guardrails.grounding.evidence import Evidence, evidence

WEIGHTS = Path(__file__).parent / "weights.json"


@dataclass(frozen=True, slots=True)
class GroundingModel:
    """A logistic regression over `Evidence`, one weight for each of its fields."""

    weights: tuple[float, ...]
    bias: float

    def probability(self, found: Evidence) -> float:
        """Return the chance that the claim is supported, in [0, 1]."""
        total = sum(weight * value for weight, value in zip(self.weights, found.row(), strict=True))
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, total + self.bias))))

    def save(self, file: Path) -> None:
        """Write the weights under the names of their fields."""
        named = dict(zip((field.name for field in fields(Evidence)), self.weights, strict=True))
        file.write_text(json.dumps({"bias": self.bias, "weights": named}, indent=2) + "\n", "utf-8")


@lru_cache(maxsize=4)
def load(file: Path = WEIGHTS) -> GroundingModel:
    """Return the model of the file, or raise `WeightsDamaged`."""
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        weights = tuple(float(stored["weights"][field.name]) for field in fields(Evidence))
        return GroundingModel(weights, float(stored["bias"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsDamaged(f"{file.name} cannot be used: {error!r}.") from error


def grounded(context: str, claim: str, question: str = "") -> float:
    """Return the calibrated chance that the context supports the claim."""
    return load().probability(evidence(context, claim, question))
