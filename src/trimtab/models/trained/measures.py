"""Figures of classifiers: F1, AUC, AUPRC, Brier score, calibration error."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.str_]

_BINS = 10


def binary_figures(labels: Labels, scores: Floats, positive: str) -> dict[str, float]:
    """Return the figures of a classifier with one positive class.

    Args:
        labels: True class of each row.
        scores: Probability of the positive class.
        positive: Its name.
    """
    from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, roc_auc_score

    truth = (labels == positive).astype(int)
    figures = {
        "rows": float(len(truth)),
        "positives": float(truth.sum()),
        "f1": f1_score(truth, scores >= 0.5, zero_division=0.0),
        "brier": brier_score_loss(truth, scores),
        "calibration_error": calibration_error(truth.astype(np.float64), scores),
    }
    if 0 < truth.sum() < len(truth):
        figures["auc"] = roc_auc_score(truth, scores)
        figures["auprc"] = average_precision_score(truth, scores)
    return _rounded(figures)


def class_figures(labels: Labels, shares: Floats, classes: Sequence[str]) -> dict[str, float]:
    """Return the figures of a classifier with several classes.

    Args:
        labels: True class of each row.
        shares: Probabilities, shape (rows, classes).
        classes: Their names in the order of the columns.
    """
    from sklearn.metrics import f1_score, roc_auc_score

    names = np.asarray(classes)
    best = shares.argmax(axis=1)
    right = (names[best] == labels).astype(np.float64)
    truth = (labels[:, None] == names[None, :]).astype(np.float64)
    figures = {
        "rows": float(len(labels)),
        "macro_f1": f1_score(
            labels, names[best], labels=list(classes), average="macro", zero_division=0.0
        ),
        "accuracy": right.mean(),
        "brier": ((shares - truth) ** 2).sum(axis=1).mean(),
        "calibration_error": calibration_error(right, shares[np.arange(len(best)), best]),
    }
    if ((truth.sum(axis=0) > 0) & (truth.sum(axis=0) < len(truth))).all():
        # Each class against the others.
        figures["auc"] = roc_auc_score(truth, shares, average="macro")
    by_class = f1_score(labels, names[best], labels=list(classes), average=None, zero_division=0.0)
    figures |= {f"f1_{name}": value for name, value in zip(classes, by_class, strict=True)}
    return _rounded(figures)


def calibration_error(outcomes: Floats, probabilities: Floats) -> float:
    """Return the expected calibration error over ten bins of equal width.

    It is the mean distance between the probability that the model states and the share that came
    true, weighted by the rows of each bin.
    """
    bin_of = np.minimum((probabilities * _BINS).astype(int), _BINS - 1)
    total = 0.0
    for index in np.unique(bin_of):
        inside = bin_of == index
        total += inside.mean() * abs(probabilities[inside].mean() - outcomes[inside].mean())
    return float(total)


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in figures.items()}
