"""The detector of anomalies: what it reports, and what it leaves alone."""

import numpy as np
import pytest

from trimtab.incidents.anomaly.detector import KEPT, QUIET_SECONDS, SeriesDetector

STEP = 300.0
DAY = 288


def detected(values, **options):
    detector = SeriesDetector(**options)
    return [n for n, value in enumerate(values) if detector.detects(n * STEP, float(value))]


def daily(days):
    """Return a series with a daily wave and a little noise."""
    rng = np.random.default_rng(5)
    at = np.arange(days * DAY)
    return 50 + 20 * np.sin(at * 2 * np.pi / DAY) + rng.normal(0, 1, len(at))


def test_a_quiet_daily_wave_has_no_anomaly_after_a_few_days():
    assert [n for n in detected(daily(12)) if n > 3 * DAY] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.__setitem__(slice(2500, 2503), 130),
        lambda values: values.__setitem__(slice(2500, None), values[2500:] + 40),
        lambda values: values.__setitem__(slice(2500, 2700), values[2500:2700] * 0 + 80),
    ],
    ids=["spike", "shift", "flat line"],
)
def test_what_the_series_has_never_shown_is_found(change):
    values = daily(12)
    change(values)
    found = [n for n in detected(values) if n > 3 * DAY]
    assert found
    assert 2500 <= found[0] < 2620


@pytest.mark.parametrize(("bridged", "quiet"), [(True, True), (False, False)])
def test_after_a_pause_a_value_is_compared_with_its_own_hour(bridged, quiet):
    """Six hours are missing; without the bridge each value would be compared with that of another hour."""
    values, begin, end = daily(12), 10 * DAY, 10 * DAY + 72
    detector = SeriesDetector()
    for n, value in enumerate(values[:begin]):
        detector.observe(n * STEP, float(value))
    if bridged:
        detector.bridge(end * STEP, STEP)
    scores = [detector.observe(n * STEP, float(values[n])) for n in range(end, 12 * DAY)]
    assert (max(scores) < detector.margin) is quiet


def test_what_was_learned_is_known_to_another_detector():
    values = daily(6)
    first = SeriesDetector()
    for n, value in enumerate(values[:-1]):
        first.observe(n * STEP, float(value))
    second = SeriesDetector.with_learned(*first.learned())
    at, value = (len(values) - 1) * STEP, float(values[-1]) + 30
    assert second.newest_at == first.newest_at
    assert second.observe(at, value) == first.observe(at, value) > first.margin
    assert SeriesDetector.with_learned(*SeriesDetector().learned()).observe(0.0, 1.0) == 0.0


def test_a_low_day_at_values_that_are_usual_at_night_is_found():
    values = daily(12)
    day = slice(8 * DAY, 9 * DAY)
    values[day] = np.minimum(values[day], 35)
    assert any(8 * DAY <= n < 9 * DAY for n in detected(values))


def test_one_anomaly_is_reported_once_in_six_hours():
    values = daily(12)
    values[2500:2800:20] = 200
    found = [n for n in detected(values) if 2500 <= n < 2800]
    assert found[0] == 2500
    assert np.all(np.diff(found) * STEP >= QUIET_SECONDS)


@pytest.mark.parametrize(("height", "found"), [(109, False), (111, True)])
def test_the_margin_is_the_ratio_to_the_largest_former_value(height, found):
    values = np.zeros(1000)
    values[::50] = 100
    values[925] = height
    detector = SeriesDetector(margin=1.1)
    scores = [detector.observe(n * STEP, float(value)) for n, value in enumerate(values)]
    assert (scores[925] >= 1.1) is found


def test_what_is_unusual_is_named_a_jump_then_a_new_level_then_another_value_than_of_former_days():
    values = 50 + np.random.default_rng(5).normal(0, 1, 1000)
    values[900:] += 30
    detector, named = SeriesDetector(), []
    for n, value in enumerate(values):
        detector.observe(n * STEP, float(value))
        named.append(detector.feature)
    assert [named[900], named[901], named[904]] == ["jump", "level", "season"]


def test_thirty_days_of_a_value_every_five_minutes_are_remembered():
    times = np.arange(10_000.0) * STEP
    kept, values, _ = SeriesDetector.with_learned(times, times, {}).learned()
    assert len(kept) == len(values) == 30 * DAY
    assert kept[-1] == times[-1]


def test_nothing_is_judged_before_a_day_is_known_and_old_values_are_forgotten():
    assert detected([0.0] * 200 + [1000.0] * 10) == []
    detector = SeriesDetector()
    for n in range(2 * KEPT + 10):
        detector.observe(n * STEP, float(n % 5))
    assert detector._count < 2 * KEPT
