"""The state of a window: small, mergeable, and the same after a round trip."""

import numpy as np
import pytest

from tests.models.monitoring.data import reference, transactions
from trimtab.models.monitoring.latency import LatencyHistogram
from trimtab.models.monitoring.profile import ReferenceProfile, profile_feature
from trimtab.models.monitoring.window import WindowState

REFERENCE = reference()


def state_of(columns, profile=REFERENCE):
    rows = len(columns["score"])
    state = WindowState.empty(profile)
    state.add_features(profile, {n: columns[n] for n in ("V14", "V17", "amount", "country")}, rows)
    state.add_scores(profile, columns["score"], columns["score"] >= 0.5)
    state.latency.add(columns["amount"] / 1000)
    state.rows = rows
    return state


def test_two_halves_merge_to_the_whole():
    columns = transactions(1000)
    halves = [{n: v[part] for n, v in columns.items()} for part in (slice(400), slice(400, None))]
    merged = state_of(halves[0])
    merged.merge(state_of(halves[1]))
    whole = state_of(columns)
    assert merged.features["V14"].bins.tolist() == whole.features["V14"].bins.tolist()
    assert merged.features["amount"].log_sum == pytest.approx(whole.features["amount"].log_sum)
    assert merged.scores.tolist() == whole.scores.tolist()
    assert merged.latency.counts.tolist() == whole.latency.counts.tolist()


def test_a_state_survives_its_bytes():
    state = state_of(transactions(1000))
    state.errors = 3
    assert WindowState.decode(REFERENCE, state.encode()).encode() == state.encode()


def test_bytes_of_another_reference_are_refused():
    other = ReferenceProfile((profile_feature("x", np.arange(1000.0) % 7),))
    with pytest.raises(ValueError, match="not of this reference"):
        WindowState.decode(other, WindowState.empty(REFERENCE).encode())


def test_the_state_of_thirty_features_and_a_billion_rows_is_under_four_kilobytes():
    rng = np.random.default_rng(1)
    features = tuple(profile_feature(f"V{n}", rng.normal(size=1000)) for n in range(30))
    profile = ReferenceProfile(features, profile_feature("score", rng.random(1000)))
    state = WindowState.empty(profile)
    for counts in state.features.values():
        counts.bins += 1_000_000_000
        counts.missing = counts.positive = counts.nonzero = 1_000_000_000
    state.scores += 1_000_000_000
    state.latency.counts += 1_000_000_000
    assert len(state.encode()) < 4096


@pytest.mark.parametrize(("seconds", "above"), [(1.999, False), (2.001, True)])
def test_the_two_seconds_of_the_procedures_are_exact(seconds, above):
    histogram = LatencyHistogram.of([0.01] * 100 + [seconds] * 50)
    assert (histogram.quantile(0.99) > 2.0) is above


def test_a_latency_quantile_errs_by_less_than_a_bucket():
    seconds = np.random.default_rng(1).lognormal(-2, 1, 10_000)
    found = LatencyHistogram.of(seconds).quantile(0.99)
    assert found == pytest.approx(np.quantile(seconds, 0.99), rel=0.26)


def test_latencies_that_are_no_numbers_are_left_out():
    assert LatencyHistogram.of([float("nan"), -1.0, 0.5]).total == 1
