"""When the disk will be full is projected from a day of measurements, and not before there is one."""

import math

import pytest

from trimtab.knowledge.maintenance.disk_trend import DiskTrend
from trimtab.knowledge.maintenance.space import Disk

HOUR, GB = 3600, 1024**3


@pytest.fixture
def measure(clock):
    """Let the disk fill by so many bytes an hour, for so many hours; return what is projected."""
    trend = DiskTrend(clock)

    def run(hours, per_hour, total=1000 * GB, free=500 * GB):
        for hour in range(hours + 1):
            trend.look(Disk(total, free - hour * per_hour))
            clock.seconds += HOUR
        clock.seconds -= HOUR
        return trend.full_in_seconds()

    return run


def test_a_day_of_data_is_needed(measure):
    assert math.isnan(measure(23, GB))


def test_after_a_day_the_pace_is_projected(measure):
    assert measure(24, GB) == pytest.approx((500 - 24) * HOUR, rel=0.01)


def test_a_disk_that_does_not_fill_is_never_full(measure):
    assert math.isnan(measure(24, 0))
    assert math.isnan(measure(24, -GB))


def test_a_burst_of_an_hour_within_a_quiet_day_is_no_trend_of_that_hour(clock):
    trend = DiskTrend(clock)
    for hour in range(25):
        trend.look(Disk(1000 * GB, 500 * GB if hour < 24 else 470 * GB))
        clock.seconds += HOUR
    assert trend.full_in_seconds() > 7 * 24 * HOUR


def test_a_disk_that_was_enlarged_begins_a_new_series(measure):
    measure(24, GB)
    assert math.isnan(measure(0, GB, total=2000 * GB, free=1500 * GB))
