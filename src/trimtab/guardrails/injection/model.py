"""Injection classifier: one array of weights, loaded without pickle."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from trimtab.guardrails.errors import WeightsDamaged
from trimtab.guardrails.injection.features import CELLS, Features

WEIGHTS = Path(__file__).parent / "weights.npz"


@dataclass(frozen=True, slots=True)
class InjectionModel:
    """Logistic regression over hashed features.

    ``query_threshold`` and ``passage_threshold`` are log-odds: above them a query, or a window of a
    retrieved passage, counts as an attack.
    """

    weights: NDArray[np.float32]
    bias: float
    query_threshold: float
    passage_threshold: float

    def score(self, found: Features) -> float:
        """Return the log-odds of an attack (unbounded)."""
        return float(self.weights[found.cells] @ found.values) + self.bias

    def save(self, file: Path) -> None:
        """Write the weights to a file, without the weights near zero."""
        cells = np.flatnonzero(np.abs(self.weights) > 0.004)
        np.savez_compressed(
            file,
            cells=cells.astype(np.uint32),
            weights=self.weights[cells].astype(np.float16),
            scalars=np.array([self.bias, self.query_threshold, self.passage_threshold]),
        )


@lru_cache(maxsize=4)
def load(file: Path = WEIGHTS) -> InjectionModel:
    """Load the model from its file.

    Raises:
        WeightsDamaged: The file is missing, unreadable or has the wrong shape.
    """
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            dense = np.zeros(CELLS, dtype=np.float32)
            dense[stored["cells"]] = stored["weights"]
            bias, query, passage = (float(value) for value in stored["scalars"])
    except (OSError, EOFError, ValueError, KeyError, IndexError, BadZipFile) as error:
        raise WeightsDamaged(f"{file.name} cannot be used: {type(error).__name__}.") from error
    return InjectionModel(dense, bias, query, passage)
