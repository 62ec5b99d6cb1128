"""Metrics with labels, and their estimate without."""

import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from tests.models.monitoring.data import transactions
from trimtab.models.monitoring.performance import calibrate, estimate, measure
from trimtab.models.monitoring.reference import score_counts


def confusion(predicted, actual):
    found = {}
    for pair in zip(predicted, actual, strict=True):
        found[pair] = found.get(pair, 0) + 1
    return found


def test_metrics_of_two_classes_are_those_of_scikit_learn():
    rng = np.random.default_rng(1)
    actual = (rng.random(500) < 0.3).astype(int)
    predicted = np.where(rng.random(500) < 0.8, actual, 1 - actual)
    found = measure(confusion(map(str, predicted), map(str, actual)))
    assert found.f1 == pytest.approx(f1_score(actual, predicted))
    assert found.precision == pytest.approx(precision_score(actual, predicted))
    assert found.recall == pytest.approx(recall_score(actual, predicted))
    assert found.accuracy == pytest.approx(accuracy_score(actual, predicted))


def test_more_classes_are_averaged():
    actual = ["up", "down", "flat", "up", "down", "flat", "up"]
    predicted = ["up", "down", "up", "up", "flat", "flat", "down"]
    expected = f1_score(actual, predicted, average="macro")
    assert measure(confusion(predicted, actual)).f1 == pytest.approx(expected)


def test_only_negatives_leave_the_f1_of_positives_unknown():
    found = measure({("0", "0"): 100})
    assert math.isnan(found.f1)
    assert found.accuracy == 1.0


def test_without_labels_nothing_is_measured():
    assert math.isnan(measure({}).f1)


def test_the_estimate_of_calibrated_scores_holds_the_true_f1():
    columns = transactions(20_000, seed=5)
    scores, actual = columns["score"], columns["label"].astype(bool)
    predicted = scores >= 0.5
    found = estimate(score_counts(scores, predicted))
    assert abs(found.f1 - f1_score(actual, predicted)) < found.f1_error < 0.05
    assert found.accuracy == pytest.approx(accuracy_score(actual, predicted), abs=0.02)


def test_scores_that_are_too_high_are_corrected_by_the_reference():
    reference, now = transactions(20_000, seed=5), transactions(20_000, seed=6)
    boast = [np.sqrt(columns["score"]) for columns in (reference, now)]
    calibration = calibrate(boast[0], reference["label"].astype(bool))
    predicted = boast[1] >= 0.7
    true = f1_score(now["label"].astype(bool), predicted)
    assert estimate(score_counts(boast[1], predicted), calibration).f1 == pytest.approx(
        true, abs=0.02
    )
    assert abs(estimate(score_counts(boast[1], predicted)).f1 - true) > 0.05


def test_without_scores_nothing_is_estimated():
    assert math.isnan(estimate(np.zeros((2, 20), np.int64)).f1)
