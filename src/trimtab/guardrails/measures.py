"""Classification metrics: AUC, recall, balanced accuracy, calibration error."""

import numpy as np
from numpy.typing import NDArray

_Labels = NDArray[np.int64]


def auc(labels: _Labels, scores: NDArray[np.float64]) -> float | None:
    """Return the area under the ROC curve; None with one class only.

    It is the probability that a positive scores above a negative; ties count half.
    """
    positive, negative = scores[labels == 1], scores[labels == 0]
    if not len(positive) or not len(negative):
        return None
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    wins = ranks[labels == 1].sum() - len(positive) * (len(positive) + 1) / 2
    return round(float(wins / (len(positive) * len(negative))), 4)


def recall(labels: _Labels, flagged: NDArray[np.bool_]) -> float | None:
    """Return the share of positives that are flagged; None without positives."""
    return round(float(flagged[labels == 1].mean()), 4) if (labels == 1).any() else None


def false_positive_rate(labels: _Labels, flagged: NDArray[np.bool_]) -> float | None:
    """Return the share of negatives that are flagged; None without negatives."""
    return round(float(flagged[labels == 0].mean()), 4) if (labels == 0).any() else None


def balanced_accuracy(labels: _Labels, flagged: NDArray[np.bool_]) -> float | None:
    """Return the mean of recall and specificity; None with one class only."""
    caught, alarms = recall(labels, flagged), false_positive_rate(labels, flagged)
    return None if caught is None or alarms is None else round((caught + 1 - alarms) / 2, 4)


def calibration_error(labels: _Labels, probabilities: NDArray[np.float64], bins: int = 10) -> float:
    """Return the expected calibration error over bins of equal width."""
    bin_of = np.minimum((probabilities * bins).astype(int), bins - 1)
    total = 0.0
    for index in np.unique(bin_of):
        inside = bin_of == index
        total += inside.mean() * abs(probabilities[inside].mean() - labels[inside].mean())
    return round(float(total), 4)
