"""Fits the grounding weights: logistic regression by gradient descent, with signs that cannot turn.

More known words may never count against a claim and new names never for it, whatever the accidents of a training set say;
that costs a little accuracy within a set and gains it on others. Each set counts the same, however many rows it has.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trimtab.guardrails.errors import BadTrainingData
from trimtab.guardrails.grounding.evidence import Evidence, evidence
from trimtab.guardrails.grounding.model import GroundingModel
from trimtab.guardrails.measures import balanced_accuracy, calibration_error

SETS = ("faith_halueval_qa", "faith_q2")
FOLDS = 5
_SIGNS = {
    "known_terms": 1, "known_in_best_sentence": 1, "known_pairs": 1, "longest_run": 1, "verbatim": 1,
    "new_names": -1, "new_numbers": -1, "from_question": -1, "sweeping": -1, "negation_differs": -1, "talk": 0,
}  # fmt: skip
_Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GroundingReport:
    """Cross-validated on the pooled sets, and across sets."""

    examples: int
    balanced_accuracy: float
    ece: float
    by_set: dict[str, float]
    across_sets: dict[str, float]
    """Balanced accuracy at 0.5 on one set when only the other was trained on."""

    def as_dict(self) -> dict[str, object]:
        """Return the report, JSON-ready."""
        return asdict(self)


def train(data: Path, weights: Path) -> GroundingReport:
    """Fit on all sets under ``data``, write the weights and measure by cross-validation."""
    sets = [_read(data / name) for name in SETS]
    rows = np.vstack([rows for rows, _ in sets])
    labels = np.concatenate([labels for _, labels in sets])
    share = np.concatenate([np.full(len(own), 1 / len(own)) for _, own in sets])
    chances = _cross_validated(rows, labels, share)
    _as_model(fit(rows, labels, share)).save(weights)
    borders = np.cumsum([0, *(len(own) for _, own in sets)])
    pieces = {name: slice(borders[index], borders[index + 1]) for index, name in enumerate(SETS)}
    return GroundingReport(
        examples=len(labels),
        balanced_accuracy=balanced_accuracy(labels, chances > 0.5) or 0.0,
        ece=calibration_error(labels, chances),
        by_set={
            name: balanced_accuracy(labels[piece], chances[piece] > 0.5) or 0.0
            for name, piece in pieces.items()
        },
        across_sets={
            name: _across(sets[index], sets[1 - index]) for index, name in enumerate(SETS)
        },
    )


def _read(folder: Path) -> tuple[_Rows, NDArray[np.int64]]:
    try:
        lines = (folder / "data.jsonl").read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines if line.strip()]
        rows = [
            evidence(row["context"], row["claim"], row.get("question", "")).row() for row in found
        ]
        return np.array(rows), np.array([int(row["label"]) for row in found])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadTrainingData(f"The set {folder.name} cannot be read: {error!r}.") from error


def fit(rows: _Rows, labels: NDArray[np.int64], share: _Rows, steps: int = 3_000) -> _Rows:
    """Return the weights and, last, the bias; each weight keeps the sign of its field."""
    signs = np.array([_SIGNS[field.name] for field in fields(Evidence)])
    inputs = np.hstack([rows, np.ones((len(rows), 1))])
    weights = np.zeros(inputs.shape[1])
    importance = share / share.sum()
    for _ in range(steps):
        chances = 1 / (1 + np.exp(-(inputs @ weights)))
        slope = inputs.T @ (importance * (chances - labels)) + 1e-4 * weights
        weights = weights - 2.0 * slope
        weights[:-1] = np.where(signs * weights[:-1] < 0, 0.0, weights[:-1])
    return weights


def _as_model(weights: Sequence[float] | _Rows) -> GroundingModel:
    rounded = [round(float(weight), 4) for weight in weights]
    return GroundingModel(tuple(rounded[:-1]), rounded[-1])


def _chances(weights: _Rows, rows: _Rows) -> _Rows:
    return np.asarray(1 / (1 + np.exp(-(rows @ weights[:-1] + weights[-1]))))


def _cross_validated(rows: _Rows, labels: NDArray[np.int64], share: _Rows) -> _Rows:
    folds = np.random.default_rng(0).permutation(len(rows)) % FOLDS
    chances = np.zeros(len(rows))
    for fold in range(FOLDS):
        held = folds == fold
        chances[held] = _chances(fit(rows[~held], labels[~held], share[~held]), rows[held])
    return chances


def _across(own: tuple[_Rows, NDArray[np.int64]], other: tuple[_Rows, NDArray[np.int64]]) -> float:
    weights = fit(other[0], other[1], np.ones(len(other[1])))
    return balanced_accuracy(own[1], _chances(weights, own[0]) > 0.5) or 0.0
