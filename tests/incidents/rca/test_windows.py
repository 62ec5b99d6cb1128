"""Which instants are compared: an hour before the condition began, and the time since then."""

from datetime import timedelta

import numpy as np
import pytest

from tests.incidents.records import START
from trimtab.incidents.rca.frame import MetricColumn
from trimtab.incidents.rca.windows import Windows

HEAT = MetricColumn("pump", "heat")


def begun(minutes):
    """Return the windows of a condition that began so many minutes ago."""
    return Windows(START - timedelta(minutes=minutes), START)


def test_the_hour_before_and_the_time_since_are_cut_into_120_steps():
    windows = begun(10)
    instants = windows.instants()
    assert windows.step_seconds == 35.0
    assert len(instants) == 121
    assert (instants[0], instants[-1]) == (START - timedelta(minutes=70), START)


def test_a_value_counts_for_the_nearest_instant_within_the_windows():
    windows = begun(10)
    first, last = windows.instants()[0].timestamp(), START.timestamp()
    points = {first - 35: 1.0, first + 17: 2.0, last - 17: 3.0, last + 35: 4.0}
    values = windows.values(points, "pump_heat")
    known = {place: values[place] for place in np.flatnonzero(np.isfinite(values))}
    assert known == {0: 2.0, 120: 3.0}


@pytest.mark.parametrize("metric", ["sold_total", "sold_count", "sold_sum"])
def test_of_a_counter_the_growth_in_a_second_counts_and_no_reset(metric):
    windows = begun(10)
    times = [at.timestamp() for at in windows.instants()[:4]]
    values = windows.values(dict(zip(times, (70.0, 140.0, 140.0, 7.0), strict=True)), metric)
    assert np.array_equal(values[:4], [np.nan, 2.0, 0.0, np.nan], equal_nan=True)


@pytest.mark.parametrize(("minutes", "before", "during"), [(10, 102, 18), (0, 118, 1)])
def test_the_minute_before_the_condition_began_belongs_to_neither_window(minutes, before, during):
    windows = begun(minutes)
    frames = windows.frames({HEAT: np.ones(121)})
    assert [len(frame.values) for frame in frames] == [before, during]


@pytest.mark.parametrize(
    ("before", "during", "kept"), [(51, 9, True), (50, 9, False), (51, 8, False)]
)
def test_a_series_is_compared_with_values_at_half_of_the_instants_of_both_windows(
    before, during, kept
):
    values = np.full(121, np.nan)
    values[:before] = values[121 - during :] = 1.0
    normal, abnormal = begun(10).frames({HEAT: values})
    assert normal.columns == abnormal.columns == ((HEAT,) if kept else ())
