"""Classification metrics from labels, and an estimate of them without labels."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trimtab.models.monitoring.window import SCORE_BINS

Confusion = Mapping[tuple[str, str], int]
"""Number of rows by (prediction, label)."""


@dataclass(frozen=True, slots=True)
class Performance:
    """Metrics of labelled predictions, each in [0, 1]; NaN when undefined."""

    f1: float
    precision: float
    recall: float
    accuracy: float
    rows: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """Metrics of unlabelled predictions by confidence-based performance estimation.

    Each score, corrected by the share of positives that the reference has at this score, is the
    chance that the row is positive; sums of these are the expected confusion matrix. It sees what a
    change of the inputs does to the scores. It cannot see a change of what the inputs mean.
    """

    f1: float
    precision: float
    recall: float
    accuracy: float
    rows: int
    f1_error: float
    """Half the width of a 95 % interval of F1: of chance, and of the method on the reference."""


def measure(confusion: Confusion, positive: str = "1") -> Performance:
    """Return the metrics; of more than two classes, the mean over the classes (macro).

    Args:
        confusion: Rows by prediction and label.
        positive: The class that F1 is about when there are two.
    """
    total = sum(confusion.values())
    if not total:
        return Performance(math.nan, math.nan, math.nan, math.nan, 0)
    classes = sorted({name for pair in confusion for name in pair})
    right = sum(count for (predicted, label), count in confusion.items() if predicted == label)
    # One class alone says nothing about the positive one, unless it is that.
    two = len(classes) <= 2 and (positive in classes or len(classes) == 1)
    about = [positive] if two else classes
    each = [_of_class(confusion, name) for name in about]
    mean = [float(np.mean([found[i] for found in each])) for i in range(3)]
    return Performance(mean[0], mean[1], mean[2], right / total, total)


def _of_class(confusion: Confusion, name: str) -> tuple[float, float, float]:
    true = confusion.get((name, name), 0)
    predicted = sum(count for (p, _), count in confusion.items() if p == name)
    actual = sum(count for (_, label), count in confusion.items() if label == name)
    f1 = 2 * true / (predicted + actual) if predicted + actual else math.nan
    precision = true / predicted if predicted else math.nan
    return f1, precision, (true / actual if actual else math.nan)


def estimate(
    scores: NDArray[np.int64],
    calibration: tuple[float, ...] = (),
    method_error: float | None = None,
) -> Estimate:
    """Return the metrics expected from the scores.

    Args:
        scores: Counts by score bin, of rows predicted negative and positive; shape (2, 20).
        calibration: Share of positives by score bin in the reference; the middle of the bin when
            empty.
        method_error: RMS error of this estimate on blocks of the reference.
    """
    rates = np.asarray(calibration) if calibration else (np.arange(SCORE_BINS) + 0.5) / SCORE_BINS
    rows = int(scores.sum())
    if not rows:
        return Estimate(math.nan, math.nan, math.nan, math.nan, 0, math.nan)
    negative, positive = scores[0].astype(np.float64), scores[1].astype(np.float64)
    true, missed = float(positive @ rates), float(negative @ rates)
    predicted = float(positive.sum())
    spread = rates * (1 - rates)
    bottom = predicted + true + missed
    f1 = 2 * true / bottom if bottom else math.nan
    # First-order error of F1 in the two sums, which are of independent rows.
    slope_true = 2 * (predicted + missed) / bottom**2 if bottom else 0.0
    slope_missed = -2 * true / bottom**2 if bottom else 0.0
    variance = slope_true**2 * (positive @ spread) + slope_missed**2 * (negative @ spread)
    error = 1.96 * math.sqrt(float(variance) + (method_error or 0.0) ** 2)
    right = true + float(negative @ (1 - rates))
    return Estimate(
        f1,
        true / predicted if predicted else math.nan,
        true / (true + missed) if true + missed else math.nan,
        right / rows,
        rows,
        error,
    )


def calibrate(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> tuple[float, ...]:
    """Return the share of positives by score bin, each bin pulled to its middle by one row."""
    numbers = np.minimum((scores * SCORE_BINS).astype(np.intp), SCORE_BINS - 1)
    rows = np.bincount(numbers, minlength=SCORE_BINS)
    positives = np.bincount(numbers, weights=labels, minlength=SCORE_BINS)
    middle = (np.arange(SCORE_BINS) + 0.5) / SCORE_BINS
    return tuple(map(float, (positives + middle) / (rows + 1)))
