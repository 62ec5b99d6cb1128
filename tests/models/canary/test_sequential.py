"""The stated error rates hold although the test is asked after every request."""

import random

import pytest

from trimtab.models.canary.sequential import RateVerdict, Trials, bounds, compare

ALPHA = 0.05
MARGIN = 0.05


def decide(production, candidate, rng, most=3000):
    """Return the first decision of one simulated canary; every fifth request is looked at."""
    old, new = Trials(), Trials()
    for at in range(most):
        old += Trials(1, rng.random() < production)
        new += Trials(1, rng.random() < candidate)
        if at % 5 == 0:
            evidence = compare(old, new, MARGIN, ALPHA)
            if evidence is not RateVerdict.OPEN:
                return evidence
    return RateVerdict.OPEN


def share(production, candidate, wrong, runs=200):
    rng = random.Random(5)
    return sum(decide(production, candidate, rng) is wrong for _ in range(runs)) / runs


def test_no_bound_is_excluded_without_trials():
    assert bounds(Trials(), ALPHA) == (0.0, 1.0)


@pytest.mark.parametrize(("count", "bad"), [(10, 0), (10, 10), (500, 25)])
def test_the_bounds_hold_the_measured_rate_and_narrow(count, bad):
    low, high = bounds(Trials(count, bad), ALPHA)
    wide_low, wide_high = bounds(Trials(count, bad), ALPHA / 100)
    assert wide_low <= low <= bad / count <= high <= wide_high


def test_the_true_rate_leaves_the_bounds_at_any_time_with_at_most_the_stated_chance():
    rng = random.Random(1)
    left = 0
    for _ in range(300):
        trials = Trials()
        for _ in range(400):
            trials += Trials(1, rng.random() < 0.1)
            low, high = bounds(trials, ALPHA)
            if not low <= 0.1 <= high:
                left += 1
                break
    assert left / 300 <= ALPHA


def test_an_equal_candidate_is_called_worse_with_at_most_the_stated_chance():
    assert share(0.05, 0.05, RateVerdict.WORSE) <= ALPHA


def test_a_candidate_that_is_worse_by_the_margin_passes_with_at_most_the_stated_chance():
    assert share(0.02, 0.02 + MARGIN, RateVerdict.NOT_WORSE) <= ALPHA


def test_a_clearly_worse_candidate_is_found_and_a_good_one_passes():
    assert share(0.02, 0.3, RateVerdict.WORSE, 20) == 1.0
    assert share(0.001, 0.001, RateVerdict.NOT_WORSE, 20) == 1.0
