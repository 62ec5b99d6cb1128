"""Figures of classifiers against values that are known."""

import numpy as np
import pytest

from trimtab.models.trained.measures import binary_figures, calibration_error, class_figures


def test_a_perfect_classifier():
    figures = binary_figures(np.array(["no", "yes"]), np.array([0.0, 1.0]), "yes")
    assert figures == {
        "rows": 2, "positives": 1, "f1": 1, "brier": 0, "calibration_error": 0, "auc": 1, "auprc": 1,
    }  # fmt: skip


def test_one_class_has_no_ranking():
    figures = binary_figures(np.array(["no", "no"]), np.array([0.2, 0.4]), "yes")
    assert "auc" not in figures
    assert figures["f1"] == 0


def test_half_wrong_at_full_confidence_is_half_off():
    assert calibration_error(np.array([1.0, 0.0]), np.array([1.0, 1.0])) == pytest.approx(0.5)


def test_stated_shares_that_come_true_are_calibrated():
    assert calibration_error(np.array([1.0, 0.0, 0.0, 0.0]), np.full(4, 0.25)) == 0


def test_figures_of_three_classes():
    shares = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.6, 0.2, 0.2]])
    figures = class_figures(np.array(["a", "b", "c"]), shares, ("a", "b", "c"))
    assert figures["accuracy"] == pytest.approx(0.6667)
    assert figures["f1_a"] == pytest.approx(0.6667)
    assert figures["f1_c"] == 0
    assert figures["macro_f1"] == pytest.approx((2 / 3 + 1 + 0) / 3, abs=1e-4)
    assert figures["auc"] == 1  # Each class has its own greatest share in its own row.


def test_the_ranking_of_several_classes_is_the_mean_of_each_against_the_others():
    labels = np.array(["a", "b", "c", "a"])
    shares = np.array([[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.2, 0.7, 0.1]])
    # "a" is above the others in 3 of 4 pairs, "b" in 1 of 3, "c" in 3 of 3.
    expected = (3 / 4 + 1 / 3 + 1) / 3
    assert class_figures(labels, shares, ("a", "b", "c"))["auc"] == pytest.approx(
        expected, abs=1e-4
    )
    assert "auc" not in class_figures(labels[:2], shares[:2], ("a", "b", "c"))
