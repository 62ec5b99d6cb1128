"""The population stability index, and how much of it is noise."""

import numpy as np
import pytest
from scipy.stats import chi2

from trimtab.models.monitoring.psi import (
    chi_square_quantile,
    dispersion,
    noise_floor,
    psi,
    shares_of,
)


def test_psi_is_the_textbook_sum_for_large_samples():
    shares, counts = (0.5, 0.5), np.array([800_000, 200_000])
    assert psi(shares, 1_000_000, counts) == pytest.approx(0.3 * np.log(0.8 / 0.2), rel=1e-4)


def test_psi_of_an_empty_bin_is_finite():
    assert 0 < psi((0.5, 0.5), 1000, np.array([1000, 0])) < 10


def test_equal_samples_stay_under_the_noise_floor_as_often_as_stated():
    rng = np.random.default_rng(7)
    shares, above = (0.1,) * 10, 0
    for _ in range(2000):
        reference = rng.multinomial(5000, shares)
        now = rng.multinomial(500, shares)
        above += psi(shares_of(reference), 5000, now) > noise_floor(10, 500, 5000, level=0.05)
    assert 0.03 < above / 2000 < 0.07


def test_the_noise_floor_of_few_rows_is_high():
    assert noise_floor(10, 50, 10_000) > 0.3
    assert noise_floor(10, 500, 10_000) < 0.1


@pytest.mark.parametrize("degrees", [1, 4, 9, 19])
@pytest.mark.parametrize("probability", [0.95, 0.999, 0.99999])
def test_the_chi_square_quantile_is_close_to_the_exact_one(degrees, probability):
    exact = chi2.ppf(probability, degrees)
    error = 0.12 if degrees == 1 else 0.05
    assert chi_square_quantile(degrees, probability) == pytest.approx(exact, rel=error)


def test_blocks_that_differ_more_than_chance_raise_the_noise_floor():
    even = [np.array([500, 500])] * 10
    weeks = [np.array([600, 400]), np.array([400, 600])] * 5
    assert dispersion(even) == 1.0
    assert dispersion(weeks) > 20
