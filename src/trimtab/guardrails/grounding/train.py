"""Trains the grounding model: logistic regression with sign constraints on the weights.

Known words never count against a claim and new names never for it, whatever a training set
suggests. This costs a little accuracy within a set and gains accuracy on other sets. Each set has
the same total weight. Claims about the same context stay in the same fold: otherwise the
cross-validated metrics would be too high.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.guardrails.errors import BadTrainingData, TrainingUnavailable
from trimtab.guardrails.grounding.evidence import evidence
from trimtab.guardrails.grounding.model import FIELDS, Curve, GroundingModel, inputs
from trimtab.guardrails.measures import auc, balanced_accuracy, calibration_error

SETS = ("faith_halueval_qa", "faith_q2")
FOLDS = 5
_SIGNS = {
    "known_in_best_sentence": 1, "known_pairs": 1, "in_order": 1,
    "coverage": 1, "new_terms": -1, "new_names": -1, "new_numbers": -1, "verbatim": 1, "from_question": -1,
    "negation_differs": -1, "scattered": -1, "repeats": -1, "talk": 0, "bias": 0,
}  # fmt: skip
_Rows = NDArray[np.float64]
_Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Set:
    """Training set: claims as input rows, with labels and contexts."""

    rows: _Rows
    """For the fit: a claim with an empty question is conversation, so it is off topic."""
    judged: _Rows
    """As the guard computes them: with an empty question the topic is unknown."""
    labels: _Labels
    contexts: _Labels

    @property
    def topics(self) -> _Rows:
        """Return `Evidence.on_topic` of each claim: the bias input of the on-topic regression."""
        return self.judged[:, -1]

    def folds(self) -> _Labels:
        """Return the fold of each claim, by its context."""
        return (np.random.default_rng(0).permutation(self.contexts.max() + 1) % FOLDS)[
            self.contexts
        ]

    def without(self, out: NDArray[np.bool_]) -> "_Set":
        """Return the set without the claims of the mask."""
        return _Set(self.rows[~out], self.judged[~out], self.labels[~out], self.contexts[~out])


@dataclass(frozen=True, slots=True)
class SetMetrics:
    """Metrics on one set; balanced accuracy is at a probability of 0.5."""

    auc: float | None
    balanced_accuracy: float | None
    ece: float


@dataclass(frozen=True, slots=True)
class GroundingReport:
    """Cross-validated metrics of the model and its calibration, pooled and by set."""

    examples: int
    pooled: SetMetrics
    by_set: dict[str, SetMetrics]
    across_sets: dict[str, SetMetrics]
    """Metrics on one set of a model that was trained on the other sets only."""

    def as_dict(self) -> dict[str, object]:
        """Return the report as a JSON-ready dictionary."""
        return asdict(self)


def train(data: Path, weights: Path) -> GroundingReport:
    """Train on all sets under ``data``, write the weights and cross-validate."""
    sets = {name: _read(data / name) for name in SETS}
    scores = _cross_validate(list(sets.values()))
    probabilities = _calibrate_out_of_fold(list(sets.values()), scores)
    found = dict(zip(SETS, probabilities, strict=True))
    curves = _curves(list(sets.values()), scores)
    GroundingModel(_rounded(_fit_all(list(sets.values()))), curves).save(weights)
    labels = np.concatenate([own.labels for own in sets.values()])
    return GroundingReport(
        examples=len(labels),
        pooled=_metrics(labels, np.concatenate(probabilities)),
        by_set={name: _metrics(own.labels, found[name]) for name, own in sets.items()},
        across_sets={
            name: _metrics(
                own.labels,
                _probabilities(
                    _fit_all([other for key, other in sets.items() if key != name]), own.judged
                ),
            )
            for name, own in sets.items()
        },
    )


def _read(folder: Path) -> _Set:
    try:
        lines = (folder / "data.jsonl").read_text(encoding="utf-8").split("\n")
        found = [json.loads(line) for line in lines if line.strip()]
        seen = [evidence(row["context"], row["claim"], row.get("question", "")) for row in found]
        talk = [
            replace(own, on_topic=0.0) if row.get("question") == "" else own
            for row, own in zip(found, seen, strict=True)
        ]
        contexts = dict.fromkeys(row["context"] for row in found)
        numbers = {context: number for number, context in enumerate(contexts)}
        return _Set(
            np.array([inputs(own) for own in talk]),
            np.array([inputs(own) for own in seen]),
            np.array([int(row["label"]) for row in found]),
            np.array([numbers[row["context"]] for row in found]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadTrainingData(f"The set {folder.name} cannot be read: {error!r}.") from error


def _metrics(labels: _Labels, probabilities: _Rows) -> SetMetrics:
    return SetMetrics(
        auc(labels, probabilities),
        balanced_accuracy(labels, probabilities > 0.5),
        calibration_error(labels, probabilities),
    )


def _fit_all(sets: Sequence[_Set]) -> _Rows:
    """Fit one model on all sets, each with the same total weight."""
    return fit(
        np.vstack([own.rows for own in sets]),
        np.concatenate([own.labels for own in sets]),
        np.concatenate([np.full(len(own.labels), 1 / len(own.labels)) for own in sets]),
    )


def fit(rows: _Rows, labels: _Labels, share: _Rows, steps: int = 4_000) -> _Rows:
    """Fit the weights by gradient descent, in the order of `inputs`.

    After each step a weight with the wrong sign for its field is set to 0.
    """
    signs = np.array([_SIGNS[name] for name in FIELDS] * 2)
    weights = np.zeros(rows.shape[1])
    importance = share / share.sum()
    for _ in range(steps):
        slope = rows.T @ (importance * (_probabilities(weights, rows) - labels)) + 1e-4 * weights
        weights = weights - 2.0 * slope
        weights = np.where(signs * weights < 0, 0.0, weights)
    return weights


def _rounded(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in values)


def _probabilities(weights: _Rows, rows: _Rows) -> _Rows:
    return np.asarray(1 / (1 + np.exp(-(rows @ weights))))


def _cross_validate(sets: Sequence[_Set]) -> list[_Rows]:
    """Return out-of-fold probabilities of the claims of each set."""
    folds = [own.folds() for own in sets]
    probabilities = [np.zeros(len(own.labels)) for own in sets]
    for fold in range(FOLDS):
        held_out = [own == fold for own in folds]
        weights = _fit_all([own.without(out) for own, out in zip(sets, held_out, strict=True)])
        for index, (own, out) in enumerate(zip(sets, held_out, strict=True)):
            probabilities[index][out] = _probabilities(weights, own.judged[out])
    return probabilities


def _curves(sets: Sequence[_Set], scores: Sequence[_Rows]) -> tuple[Curve, Curve]:
    """Fit the calibration curves off topic and on topic.

    Isotonic regression keeps the order of the scores and corrects their size; each claim is
    weighted by its share of the topic.
    """
    share = np.concatenate([np.full(len(own.labels), 1 / len(own.labels)) for own in sets])
    topics = np.concatenate([own.topics for own in sets])
    labels, found = np.concatenate([own.labels for own in sets]), np.concatenate(scores)
    return _curve(found, labels, share * (1 - topics)), _curve(found, labels, share * topics)


def _curve(scores: _Rows, labels: _Labels, share: _Rows) -> Curve:
    weighted = share > 0
    fitted = _isotonic_regression().fit(scores[weighted], labels[weighted], share[weighted])
    return Curve(_rounded(fitted.X_thresholds_), _rounded(fitted.y_thresholds_))


def _calibrate_out_of_fold(sets: Sequence[_Set], scores: Sequence[_Rows]) -> list[_Rows]:
    """Return probabilities calibrated by curves fitted on the other folds."""
    folds = [own.folds() for own in sets]
    probabilities = [np.zeros(len(own)) for own in scores]
    for fold in range(FOLDS):
        held_out = [own == fold for own in folds]
        seen = [own.without(out) for own, out in zip(sets, held_out, strict=True)]
        curves = _curves(seen, [own[~out] for own, out in zip(scores, held_out, strict=True)])
        for index, out in enumerate(held_out):
            off_topic, on_topic = (
                np.interp(scores[index][out], curve.scores, curve.chances) for curve in curves
            )
            topics = sets[index].topics[out]
            probabilities[index][out] = (1 - topics) * off_topic + topics * on_topic
    return probabilities


def _isotonic_regression() -> Any:
    try:
        from sklearn.isotonic import IsotonicRegression
    except ImportError as error:
        raise TrainingUnavailable("Training needs scikit-learn.") from error
    # The bounds avoid probabilities of 0 and 1, which a finite sample cannot support.
    return IsotonicRegression(y_min=0.005, y_max=0.995, out_of_bounds="clip")
