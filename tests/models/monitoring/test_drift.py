"""Verdicts about features: noise, drift, missing values, units, categories."""

import numpy as np
import pytest

from tests.models.monitoring.data import reference, transactions
from trimtab.models.monitoring.drift import DriftVerdict, judge_window
from trimtab.models.monitoring.profile import FeatureProfile, ReferenceProfile, profile_feature
from trimtab.models.monitoring.window import WindowState

REFERENCE = reference()


def judge(columns, profile=REFERENCE):
    state = WindowState.empty(profile)
    features = {f.feature: columns[f.feature] for f in profile.features if f.feature in columns}
    state.add_features(profile, features, len(next(iter(columns.values()))))
    return judge_window(profile, state)


def verdicts(drift):
    return {each.feature: each.verdict for each in drift.features}


def feature(drift, name):
    return next(each for each in drift.features if each.feature == name)


def test_rows_of_the_same_distribution_are_stable():
    assert set(verdicts(judge(transactions(2000, seed=2))).values()) == {DriftVerdict.STABLE}


def test_a_shifted_feature_drifts_and_the_others_do_not():
    columns = transactions(2000, seed=2)
    columns["V14"] = columns["V14"] + 1
    found = verdicts(judge(columns))
    assert found.pop("V14") is DriftVerdict.DRIFT
    assert set(found.values()) == {DriftVerdict.STABLE}


def test_few_rows_are_not_judged():
    columns = transactions(60, seed=2)
    drift = judge(columns | {"V14": columns["V14"] + 3})
    assert drift.verdict is DriftVerdict.NOT_ENOUGH_DATA
    assert np.isnan(drift.score)


@pytest.mark.parametrize(
    ("low", "verdict"),
    [
        (0.5, DriftVerdict.STABLE),
        (0.58, DriftVerdict.CHANGED),
        (0.72, DriftVerdict.MILD_DRIFT),  # PSI 0.208
        (0.76, DriftVerdict.MILD_DRIFT),  # PSI 0.2998
        (0.77, DriftVerdict.DRIFT),  # PSI 0.326
    ],
)
def test_the_verdict_follows_the_thresholds(low, verdict):
    half = FeatureProfile("x", edges=(0.0,), shares=(0.5, 0.5), rows=1_000_000)
    profile = ReferenceProfile((half,))
    rows = 100_000
    values = np.where(np.arange(rows) < low * rows, -1.0, 1.0)
    assert feature(judge({"x": values}, profile), "x").verdict is verdict


def test_missing_values_are_a_matter_of_quality_not_of_drift():
    columns = transactions(2000, seed=2)
    columns["V14"] = np.where(np.arange(2000) % 4 == 0, np.nan, columns["V14"])
    found = feature(judge(columns), "V14")
    assert found.null_rate == pytest.approx(0.25)
    assert found.verdict is DriftVerdict.STABLE


def test_a_column_that_is_gone_is_missing_everywhere():
    columns = transactions(2000, seed=2)
    del columns["V17"]
    assert feature(judge(columns), "V17").null_rate == 1.0


def test_infinite_values_count_as_missing():
    columns = transactions(2000, seed=2)
    columns["V14"] = np.where(np.arange(2000) < 200, np.inf, columns["V14"])
    assert feature(judge(columns), "V14").null_rate == pytest.approx(0.1)


@pytest.mark.parametrize("factor", [100.0, 0.001, 2.54, -1.0, 1.0, 1.7])
def test_a_change_of_unit_is_told_from_other_changes(factor):
    columns = transactions(20_000, seed=2)
    columns["amount"] = columns["amount"] * factor
    found = feature(judge(columns), "amount").unit_factor
    if factor in (100.0, 0.001, 2.54):
        assert found == pytest.approx(factor, rel=0.1)
    else:
        assert found is None


def test_another_distribution_of_the_same_size_is_no_change_of_unit():
    columns = transactions(2000, seed=2)
    columns["amount"] = np.random.default_rng(3).lognormal(6, 2.5, 2000)
    assert feature(judge(columns), "amount").unit_factor is None


def test_a_category_that_the_reference_lacks_is_unseen():
    columns = transactions(2000, seed=2)
    country = columns["country"].copy()
    country[:100] = "ES"
    found = feature(judge(columns | {"country": country}), "country")
    assert found.unseen_rate == pytest.approx(0.05)


def test_a_rare_category_of_the_reference_is_not_unseen():
    values = np.array(["common"] * 20_000 + [f"rare{n}" for n in range(100)], object)
    profile = profile_feature("x", np.random.default_rng(1).permutation(values))
    state = WindowState.empty(ReferenceProfile((profile,)))
    state.add_features(ReferenceProfile((profile,)), {"x": values}, len(values))
    assert len(profile.categories) == 20
    assert state.features["x"].unseen == 0


def test_a_mostly_constant_number_keeps_bins_for_the_rest():
    values = np.where(np.arange(10_000) % 10 == 0, np.linspace(1, 9, 10_000), 0.0)
    values = np.random.default_rng(1).permutation(values)
    profile = ReferenceProfile((profile_feature("x", values),))
    same, shifted = values[::2], np.where(values[::2] > 0, values[::2] + 5, 0.0)
    assert feature(judge({"x": same}, profile), "x").verdict is DriftVerdict.STABLE
    assert feature(judge({"x": shifted}, profile), "x").drifted


def test_a_yes_or_no_number_is_judged_by_its_values():
    rng = np.random.default_rng(1)
    profile = ReferenceProfile((profile_feature("x", (rng.random(5000) < 0.05).astype(float)),))
    rare, common = (rng.random(3000) < 0.05).astype(float), (rng.random(3000) < 0.3).astype(float)
    assert feature(judge({"x": rare}, profile), "x").verdict is DriftVerdict.STABLE
    assert feature(judge({"x": common}, profile), "x").drifted


def test_the_overall_score_is_weighted_by_importance():
    profile = reference(weights={"V14": 0.5, "V17": 0.5, "amount": 0.0, "country": 0.0})
    columns = transactions(3000, seed=2)
    columns["amount"] = columns["amount"] * 50
    assert judge(columns, profile).score < 0.05
    columns["V14"] = columns["V14"] + 1
    drift = judge(columns, profile)
    assert drift.score == pytest.approx(
        0.5 * feature(drift, "V14").psi + 0.5 * feature(drift, "V17").psi
    )


def test_without_importances_the_overall_score_is_the_largest():
    columns = transactions(3000, seed=2)
    columns["amount"] = columns["amount"] * 50
    drift = judge(columns)
    assert drift.score == drift.features[0].psi == feature(drift, "amount").psi
