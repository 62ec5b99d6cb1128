"""The forecast of a week's peak, from weeks that grow, stay, have gaps, or had an incident."""

import numpy as np
import pytest

from trimtab.monitoring.usage.forecast import MIN_WEEKS, WEEK_HOURS, forecast_peak

DAY = 0.5 - 0.5 * np.cos(np.arange(WEEK_HOURS) * 2 * np.pi / 24)
"""A week with one peak of 1 every noon."""


def weeks(*peaks):
    return np.concatenate([np.float32(peak) * DAY for peak in peaks]).astype(np.float32)


def test_what_stays_the_same_is_expected_to_stay():
    assert forecast_peak(weeks(0.5, 0.5, 0.5)) == pytest.approx(0.5)
    assert forecast_peak(np.full(2 * WEEK_HOURS, 0.9, np.float32)) == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("level", "expected"), [(0.60, 0.67), (0.65, 0.72)], ids=("below 70 %", "above 70 %")
)
def test_growth_goes_on_while_everything_before_was_below_the_limit(level, expected):
    hours = np.concatenate([np.full(WEEK_HOURS, level - 0.07 * back) for back in (3, 2, 1, 0)])
    assert hours.max() < 0.7
    assert forecast_peak(hours.astype(np.float32)) == pytest.approx(expected)


def test_what_shrinks_is_not_expected_below_nothing():
    hours = np.concatenate([np.full(WEEK_HOURS, 0.3), np.full(WEEK_HOURS, 0.1)])
    assert forecast_peak(hours.astype(np.float32)) == 0.0


def test_one_incident_does_not_move_it():
    hours = weeks(0.5, 0.5, 0.5, 0.5)
    hours[-30:-24] = 1.0
    assert forecast_peak(hours) == pytest.approx(0.5, abs=0.01)


def test_an_hour_of_the_week_is_compared_with_the_same_hour():
    quiet = np.full(WEEK_HOURS, 0.1, np.float32)
    quiet[100] = 0.6
    busier = quiet.copy()
    busier[100] = 0.65
    # Most hours do not grow, so this one is expected between its former values.
    assert forecast_peak(np.concatenate([quiet, busier])) == pytest.approx(0.625)
    shifted = np.concatenate([quiet, np.roll(quiet, 1)])
    assert forecast_peak(shifted) == pytest.approx(0.35)


def test_before_two_weeks_it_cannot_be_told():
    two = weeks(0.5, 0.5)
    assert len(two) == MIN_WEEKS * WEEK_HOURS
    assert forecast_peak(two) is not None
    assert forecast_peak(two[1:]) is None
    later = np.concatenate([np.full(WEEK_HOURS, np.nan, np.float32), two])
    assert forecast_peak(later) is not None
    later[WEEK_HOURS] = np.nan
    assert forecast_peak(later) is None
    assert forecast_peak(np.array([], np.float32)) is None


def test_a_week_with_gaps_counts_while_four_fifths_are_known():
    hours = weeks(0.5, 0.5)
    hours[WEEK_HOURS : WEEK_HOURS + 33] = np.nan
    assert forecast_peak(hours) == pytest.approx(0.5)
    hours[WEEK_HOURS + 33] = np.nan
    assert forecast_peak(hours) is None


def test_weeks_before_a_gap_are_left_out():
    old, gap = weeks(0.1, 0.1), np.full(WEEK_HOURS, np.nan, np.float32)
    assert forecast_peak(np.concatenate([old, gap, weeks(0.5, 0.5)])) == pytest.approx(0.5)
    assert forecast_peak(np.concatenate([old, gap])) is None


def test_an_hour_that_no_week_knows_is_left_out():
    hours = weeks(0.5, 0.5)
    hours[10] = hours[WEEK_HOURS + 10] = np.nan
    assert forecast_peak(hours) == pytest.approx(0.5)
