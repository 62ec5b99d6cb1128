"""Fits the grounding weights: logistic regression by gradient descent, with signs that cannot turn.

More known words may never count against a claim and new names never for it, whatever the accidents of a training set say;
that costs a little accuracy within a set and gains it on others. Each set counts the same, however many rows it has.
Claims about the same context stay in the same fold, or the figures would flatter.
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
    """Two rows of inputs for each claim, its label, and the number of its context."""

    rows: _Rows
    """For the fit: a question that is there but empty begins a conversation, and its claim is talk."""
    judged: _Rows
    """The same as the guard sees them: an empty question leaves the topic open."""
    labels: _Labels
    contexts: _Labels

    @property
    def topics(self) -> _Rows:
        """How far the sources treat the question, as the guard sees it: the bias of the second regression."""
        return self.judged[:, -1]

    def folds(self) -> _Labels:
        """Return the fold of each claim."""
        return (np.random.default_rng(0).permutation(self.contexts.max() + 1) % FOLDS)[
            self.contexts
        ]

    def without(self, out: NDArray[np.bool_]) -> "_Set":
        """Return the set less some of its claims."""
        return _Set(self.rows[~out], self.judged[~out], self.labels[~out], self.contexts[~out])


@dataclass(frozen=True, slots=True)
class SetFigures:
    """How well the claims of one set are judged; balanced accuracy is at a chance of 0.5."""

    auc: float | None
    balanced_accuracy: float | None
    ece: float


@dataclass(frozen=True, slots=True)
class GroundingReport:
    """Cross-validated, the calibration too, on the pooled sets and each of them; and across sets."""

    examples: int
    pooled: SetFigures
    by_set: dict[str, SetFigures]
    across_sets: dict[str, SetFigures]
    """On one set when only the other was trained on."""

    def as_dict(self) -> dict[str, object]:
        """Return the report, JSON-ready."""
        return asdict(self)


def train(data: Path, weights: Path) -> GroundingReport:
    """Fit on all sets under ``data``, write the weights and measure by cross-validation."""
    sets = {name: _read(data / name) for name in SETS}
    scores = _cross_validated(list(sets.values()))
    chances = _calibrated_apart(list(sets.values()), scores)
    found = dict(zip(SETS, chances, strict=True))
    curves = _curves(list(sets.values()), scores)
    GroundingModel(_rounded(_fit_all(list(sets.values()))), curves).save(weights)
    labels = np.concatenate([own.labels for own in sets.values()])
    return GroundingReport(
        examples=len(labels),
        pooled=_figures(labels, np.concatenate(chances)),
        by_set={name: _figures(own.labels, found[name]) for name, own in sets.items()},
        across_sets={
            name: _figures(
                own.labels,
                _chances(
                    _fit_all([other for key, other in sets.items() if key != name]), own.judged
                ),
            )
            for name, own in sets.items()
        },
    )


def _read(folder: Path) -> _Set:
    try:
        lines = (folder / "data.jsonl").read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines if line.strip()]
        seen = [evidence(row["context"], row["claim"], row.get("question", "")) for row in found]
        talk = [
            replace(own, on_topic=0.0) if row.get("question") == "" else own
            for row, own in zip(found, seen, strict=True)
        ]
        contexts = dict.fromkeys(row["context"] for row in found)
        places = {context: place for place, context in enumerate(contexts)}
        return _Set(
            np.array([inputs(own) for own in talk]),
            np.array([inputs(own) for own in seen]),
            np.array([int(row["label"]) for row in found]),
            np.array([places[row["context"]] for row in found]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadTrainingData(f"The set {folder.name} cannot be read: {error!r}.") from error


def _figures(labels: _Labels, chances: _Rows) -> SetFigures:
    return SetFigures(
        auc(labels, chances),
        balanced_accuracy(labels, chances > 0.5),
        calibration_error(labels, chances),
    )


def _fit_all(sets: Sequence[_Set]) -> _Rows:
    """Fit on all sets, each of the same weight."""
    return fit(
        np.vstack([own.rows for own in sets]),
        np.concatenate([own.labels for own in sets]),
        np.concatenate([np.full(len(own.labels), 1 / len(own.labels)) for own in sets]),
    )


def fit(rows: _Rows, labels: _Labels, share: _Rows, steps: int = 4_000) -> _Rows:
    """Return the weights in the order of `inputs`; each weight keeps the sign of its field."""
    signs = np.array([_SIGNS[name] for name in FIELDS] * 2)
    weights = np.zeros(rows.shape[1])
    importance = share / share.sum()
    for _ in range(steps):
        slope = rows.T @ (importance * (_chances(weights, rows) - labels)) + 1e-4 * weights
        weights = weights - 2.0 * slope
        weights = np.where(signs * weights < 0, 0.0, weights)
    return weights


def _rounded(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in values)


def _chances(weights: _Rows, rows: _Rows) -> _Rows:
    return np.asarray(1 / (1 + np.exp(-(rows @ weights))))


def _cross_validated(sets: Sequence[_Set]) -> list[_Rows]:
    """Return for each set the chances of its claims by a fit that has not seen their contexts."""
    folds = [own.folds() for own in sets]
    chances = [np.zeros(len(own.labels)) for own in sets]
    for fold in range(FOLDS):
        held = [own == fold for own in folds]
        weights = _fit_all([own.without(out) for own, out in zip(sets, held, strict=True)])
        for place, (own, out) in enumerate(zip(sets, held, strict=True)):
            chances[place][out] = _chances(weights, own.judged[out])
    return chances


def _curves(sets: Sequence[_Set], scores: Sequence[_Rows]) -> tuple[Curve, Curve]:
    """Fit what the scores have meant off the topic and on it.

    Isotonic, because their order is right where their size is not; each claim counts as far as it is of the one kind.
    """
    share = np.concatenate([np.full(len(own.labels), 1 / len(own.labels)) for own in sets])
    topics = np.concatenate([own.topics for own in sets])
    labels, found = np.concatenate([own.labels for own in sets]), np.concatenate(scores)
    return _curve(found, labels, share * (1 - topics)), _curve(found, labels, share * topics)


def _curve(scores: _Rows, labels: _Labels, share: _Rows) -> Curve:
    heard = share > 0
    fitted = _isotonic().fit(scores[heard], labels[heard], share[heard])
    return Curve(_rounded(fitted.X_thresholds_), _rounded(fitted.y_thresholds_))


def _calibrated_apart(sets: Sequence[_Set], scores: Sequence[_Rows]) -> list[_Rows]:
    """Return the chances that curves give which have not seen the contexts of the claims."""
    folds = [own.folds() for own in sets]
    chances = [np.zeros(len(own)) for own in scores]
    for fold in range(FOLDS):
        held = [own == fold for own in folds]
        seen = [own.without(out) for own, out in zip(sets, held, strict=True)]
        curves = _curves(seen, [own[~out] for own, out in zip(scores, held, strict=True)])
        for place, out in enumerate(held):
            off_topic, on_topic = (
                np.interp(scores[place][out], curve.scores, curve.chances) for curve in curves
            )
            topics = sets[place].topics[out]
            chances[place][out] = (1 - topics) * off_topic + topics * on_topic
    return chances


def _isotonic() -> Any:
    try:
        from sklearn.isotonic import IsotonicRegression
    except ImportError as error:
        raise TrainingUnavailable("Training needs scikit-learn.") from error
    # No claim is ever certain: a score of 0 or 1 would hide how sure the fit can be at most.
    return IsotonicRegression(y_min=0.005, y_max=0.995, out_of_bounds="clip")
