"""The scale of a column: how far its usual values are apart."""

import numpy as np
import pytest

from trimtab.incidents.rca.shifts import sustained_shift


@pytest.mark.parametrize(
    ("usual", "shift"),
    [
        (np.arange(101.0), 2.0),  # The quartiles 25 and 75 are 50 apart.
        (np.array([*[50.0] * 99, 150.0]), 100 / np.std([*[50.0] * 99, 150.0])),  # Equal quartiles.
        (np.full(101, 50.0), 200.0),  # A hundredth of the median, where nothing ever changes.
    ],
)
@pytest.mark.feature("F347")
def test_a_shift_is_measured_by_the_quartiles_else_by_the_deviation(usual, shift):
    moved = np.full((5, 1), 150.0)
    assert sustained_shift(usual[:, None], moved)[0] == pytest.approx(shift, rel=1e-6)
