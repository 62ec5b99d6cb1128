"""Builds a reference profile from rows of training or validation data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.models.monitoring.errors import BadReference
from trimtab.models.monitoring.performance import calibrate, estimate, measure
from trimtab.models.monitoring.profile import (
    ReferenceProfile,
    Values,
    is_missing,
    profile_feature,
)
from trimtab.models.monitoring.tables import text_of
from trimtab.models.monitoring.window import SCORE_BINS

_BLOCKS = 10
_MIN_ROWS = 100
_LOOKED_AT = 50
_SCORES = ("score", "y_pred_proba", "probability", "proba")
_PREDICTIONS = ("prediction", "y_pred", "predicted")
_LABELS = ("label", "y_true", "target", "actual")


@dataclass(frozen=True, slots=True)
class ColumnRoles:
    """Roles of columns that are not features; empty ones are found by their usual names."""

    score: str = ""
    """Probability of the positive class."""
    prediction: str = ""
    label: str = ""
    ignored: tuple[str, ...] = ()
    positive: str = "1"
    weights: Mapping[str, float] = field(default_factory=dict)
    """Importance of features for the model."""

    def found_in(self, names: Mapping[str, object]) -> "ColumnRoles":
        """Return the roles with the columns that have usual names."""

        def pick(given: str, usual: tuple[str, ...]) -> str:
            return given or next((name for name in usual if name in names), "")

        return ColumnRoles(
            pick(self.score, _SCORES),
            pick(self.prediction, _PREDICTIONS),
            pick(self.label, _LABELS),
            self.ignored,
            self.positive,
            self.weights,
        )


def build_reference(columns: Mapping[str, Values], roles: ColumnRoles) -> ReferenceProfile:
    """Return the profile of reference rows.

    Columns of times, of ids and with a single value are left out; `ReferenceProfile.skipped` says
    so.

    Args:
        columns: In the order in which the rows occurred.
        roles: Columns that are not features.

    Raises:
        BadReference: There are under 100 rows or no features.
    """
    roles = roles.found_in(columns)
    rows = len(next(iter(columns.values()), np.empty(0)))
    if rows < _MIN_ROWS:
        raise BadReference(f"The reference has {rows} rows; drift needs at least {_MIN_ROWS}.")
    special = {roles.score, roles.prediction, roles.label} - {""}
    skipped, features = {}, []
    for name, values in columns.items():
        if name in special:
            continue
        if name in roles.ignored:
            skipped[name] = "left out as asked"
        elif reason := no_feature(values):
            skipped[name] = reason
        else:
            features.append(profile_feature(name, values, roles.weights.get(name)))
    if not features:
        raise BadReference("No column of the reference is a feature.")
    return _with_scores(
        ReferenceProfile(tuple(features), positive=roles.positive, skipped=skipped), columns, roles
    )


def no_feature(values: Values) -> str:
    """Return why a column is not a feature, or the empty text."""
    present = values[~is_missing(values)]
    if not len(present):
        return "has no value"
    return _no_number(present) if present.dtype.kind in "fiub" else _no_category(present.tolist())


def _no_number(values: Values) -> str:
    if values.min() == values.max():
        return "has a single value"
    steps = np.diff(values)
    counts = np.all(values == np.floor(values)) and (np.all(steps > 0) or np.all(steps < 0))
    return "numbers the rows" if counts else ""


def _no_category(texts: list[str]) -> str:
    if all(_is_time(text) for text in texts[:_LOOKED_AT]):
        return "is a time"
    distinct = len(set(texts))
    if distinct == 1:
        return "has a single value"
    return "identifies the rows" if distinct == len(texts) else ""


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def positives(column: NDArray[Any], positive: str) -> NDArray[np.bool_]:
    """Return which predictions or labels are the positive class."""
    return np.fromiter((text_of(v) == positive for v in column.tolist()), np.bool_, len(column))


def score_counts(scores: NDArray[np.float64], predicted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return counts by predicted class and score bin; shape (2, 20)."""
    numbers = np.minimum((scores * SCORE_BINS).astype(np.intp), SCORE_BINS - 1)
    rows = [np.bincount(numbers[predicted == side], minlength=SCORE_BINS) for side in (False, True)]
    return np.stack(rows)


def _with_scores(
    profile: ReferenceProfile, columns: Mapping[str, Values], roles: ColumnRoles
) -> ReferenceProfile:
    if roles.score not in columns or columns[roles.score].dtype.kind not in "fiub":
        return profile
    scores = columns[roles.score].astype(np.float64)
    usable = np.isfinite(scores) & (scores >= 0) & (scores <= 1)
    scores = scores[usable]
    known = (profile.features, profile_feature(roles.score, scores), profile.positive)
    if roles.label not in columns:
        return ReferenceProfile(*known, skipped=profile.skipped)
    labels = positives(columns[roles.label][usable], roles.positive)
    predicted = scores >= 0.5
    if roles.prediction in columns:
        predicted = positives(columns[roles.prediction][usable], roles.positive)
    calibration = calibrate(scores, labels)
    error = _estimate_error(scores, predicted, labels)
    return ReferenceProfile(*known, calibration, error, profile.skipped)


def _estimate_error(
    scores: NDArray[np.float64], predicted: NDArray[np.bool_], labels: NDArray[np.bool_]
) -> float | None:
    """Return the RMS error of the estimated F1, each block calibrated on the others."""
    errors = []
    for block in np.array_split(np.arange(len(scores)), _BLOCKS):
        others = np.ones(len(scores), np.bool_)
        others[block] = False
        calibration = calibrate(scores[others], labels[others])
        expected = estimate(score_counts(scores[block], predicted[block]), calibration).f1
        confusion: dict[tuple[str, str], int] = {}
        for p, label in zip(predicted[block].tolist(), labels[block].tolist(), strict=True):
            pair = (str(int(p)), str(int(label)))
            confusion[pair] = confusion.get(pair, 0) + 1
        errors.append(expected - measure(confusion).f1)
    usable = [error for error in errors if np.isfinite(error)]
    return float(np.sqrt(np.mean(np.square(usable)))) if usable else None
