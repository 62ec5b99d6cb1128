"""Drift of a public sample with known drift; reads data that is not part of the project."""

import csv
from pathlib import Path

import numpy as np
import pytest

from trimtab.models.monitoring.file_report import report_file
from trimtab.models.monitoring.performance import estimate, measure
from trimtab.models.monitoring.reference import ColumnRoles, build_reference, score_counts
from trimtab.models.monitoring.tables import read_columns

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "models" / "drift_sample"
NAMES = "synthetic_sample_{}.csv"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the drift sample is not here")
ROLES = ColumnRoles(label="work_home_actual")
DRIFTING = {
    "distance_from_office",
    "salary_range",
    "public_transportation_cost",
    "wfh_prev_workday",
}
STEADY = {"gas_price_per_litre", "workday", "tenure"}
WINDOW = 5000
CHANGE = 5
"""The first window after the change, of ten."""


@pytest.fixture(scope="module")
def profile():
    return build_reference(read_columns(FOLDER / NAMES.format("reference")), ROLES)


@pytest.fixture(scope="module")
def found(profile):
    return report_file(FOLDER / NAMES.format("analysis"), profile, WINDOW)


def test_every_true_drift_is_found_and_nothing_else(found):
    assert set(found.drifted()) == DRIFTING


def test_no_window_before_the_change_raises_an_alarm_and_each_after_it_does(found):
    by_window = [{f.feature for f in w.drift.features if f.drifted} for w in found.windows]
    assert by_window == [set()] * CHANGE + [DRIFTING] * (10 - CHANGE)


@pytest.mark.parametrize("rows", [500, 1000, 2000])
def test_smaller_windows_raise_at_most_five_percent_false_alarms(profile, rows):
    windows = report_file(FOLDER / NAMES.format("analysis"), profile, rows).windows
    judged = [(w.first_row < CHANGE * WINDOW, f) for w in windows for f in w.drift.features]
    steady = [f.drifted for before, f in judged if before or f.feature in STEADY]
    true = [f.drifted for before, f in judged if not before and f.feature in DRIFTING]
    assert sum(steady) / len(steady) <= 0.05
    assert all(true)


def test_the_label_free_estimate_is_within_its_interval(profile):
    data = read_columns(FOLDER / NAMES.format("analysis"))
    with (FOLDER / NAMES.format("analysis_gt")).open() as file:
        actual = [row["work_home_actual"] for row in csv.DictReader(file)]
    predicted = [str(int(value)) for value in data["y_pred"]]
    inside = []
    for start in range(0, 50_000, WINDOW):
        part = slice(start, start + WINDOW)
        scores = score_counts(data["y_pred_proba"][part], data["y_pred"][part] == 1)
        expected = estimate(scores, profile.calibration, profile.estimate_error)
        pairs = list(zip(predicted[part], actual[part], strict=True))
        true = measure({pair: pairs.count(pair) for pair in set(pairs)})
        inside.append(abs(expected.f1 - true.f1) <= expected.f1_error)
    assert np.mean(inside) >= 0.9
