"""Functions over range vectors: ``rate``, ``increase``, ``*_over_time`` and the like.

Each takes the samples of one series in the range and returns its value, or None for "no result".
The formulas are those of Prometheus 2.42 (``promql/functions.go``).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from trimtab.monitoring.promql.values import Summation, quantile
from trimtab.monitoring.series import SampleWindow


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The range of a range selector, in milliseconds since 1970, both ends included."""

    start_ms: int
    end_ms: int
    at_ms: int
    """The instant of the evaluation, without the selector's offset."""


RangeFunction = Callable[[SampleWindow, TimeRange], float | None]


def _rate(window: SampleWindow, span: TimeRange) -> float | None:
    seconds = (span.end_ms - span.start_ms) / 1000
    return _extrapolated(window, span, counter=True, per_seconds=seconds)


def _extrapolated(
    window: SampleWindow, span: TimeRange, *, counter: bool, per_seconds: float = 1.0
) -> float | None:
    """Return the difference over the range, extrapolated to its ends.

    It goes to an end that is nearer than 1.1 average distances of samples, else half a distance; a
    counter never goes back beyond where it would have been zero. The order of the operations is
    Prometheus', to the last bit.
    """
    values, times = window.values, window.times_ms
    if len(values) < 2:
        return None
    difference = values[-1] - values[0]
    if counter:
        difference = _with_resets(difference, values)
    to_start = (times[0] - span.start_ms) / 1000
    to_end = (span.end_ms - times[-1]) / 1000
    sampled = (times[-1] - times[0]) / 1000
    average = sampled / (len(values) - 1)
    if counter and difference > 0 and values[0] >= 0:
        to_start = min(to_start, sampled * (values[0] / difference))
    threshold = average * 1.1
    reach = sampled
    reach += to_start if to_start < threshold else average / 2
    reach += to_end if to_end < threshold else average / 2
    return difference * (reach / sampled / per_seconds)


def _with_resets(difference: float, values: list[float]) -> float:
    """Add what the counter had reached at each of its resets."""
    last = values[0]
    for value in values:
        if value < last:
            difference += last
        last = value
    return difference


def _irate(window: SampleWindow, _: TimeRange) -> float | None:
    if len(window.values) < 2:
        return None
    before, last = window.values[-2:]
    seconds = (window.times_ms[-1] - window.times_ms[-2]) / 1000
    return (last if last < before else last - before) / seconds


def _idelta(window: SampleWindow, _: TimeRange) -> float | None:
    return window.values[-1] - window.values[-2] if len(window.values) >= 2 else None


def _deriv(window: SampleWindow, _: TimeRange) -> float | None:
    if len(window.values) < 2:
        return None
    return _line(window, window.times_ms[0])[0]


def predict_linear(window: SampleWindow, span: TimeRange, seconds: float) -> float | None:
    """Return the linear prediction, the given seconds after the evaluation."""
    if len(window.values) < 2:
        return None
    slope, intercept = _line(window, span.at_ms)
    return slope * seconds + intercept


def _line(window: SampleWindow, origin_ms: int) -> tuple[float, float]:
    """Return slope (per second) and intercept (at the origin) by least squares."""
    first = window.values[0]
    if all(value == first for value in window.values):
        return (math.nan, math.nan) if math.isinf(first) else (0.0, first)
    count = len(window.values)
    x_sum, y_sum, xy_sum, xx_sum = Summation(), Summation(), Summation(), Summation()
    for at_ms, y in zip(window.times_ms, window.values, strict=True):
        x = (at_ms - origin_ms) / 1000
        x_sum.add(x)
        y_sum.add(y)
        xy_sum.add(x * y)
        xx_sum.add(x * x)
    # Not `result()`: Prometheus adds the compensation here even to an infinite sum.
    sx, sy, sxy, sxx = (s.total + s.compensation for s in (x_sum, y_sum, xy_sum, xx_sum))
    covariance = sxy - sx * sy / count
    variance = sxx - sx * sx / count
    slope = covariance / variance
    return slope, sy / count - slope * sx / count


def _sum(window: SampleWindow, _: TimeRange) -> float:
    summation = Summation()
    for value in window.values:
        summation.add(value)
    return summation.result()


def _average(window: SampleWindow, _: TimeRange) -> float:
    values = window.values
    if not all(map(math.isfinite, values)):
        return _average_with_infinities(values)
    mean = compensation = 0.0
    # `Summation.add`, written out: this is the inner loop of most alerts.
    for count, value in enumerate(values, 1):
        increment = value / count - mean / count
        total = mean + increment
        if abs(mean) >= abs(increment):
            compensation += (mean - total) + increment
        else:
            compensation += (increment - total) + mean
        mean = total
    return mean if math.isinf(mean) else mean + compensation


def _average_with_infinities(values: list[float]) -> float:
    mean = Summation()
    for count, value in enumerate(values, 1):
        if math.isinf(mean.total) and not _moves_infinity(mean.total, value):
            continue
        mean.add(value / count - mean.total / count)
    return mean.result()


def _moves_infinity(mean: float, value: float) -> bool:
    return math.isnan(value) or (math.isinf(value) and (mean > 0) != (value > 0))


def _variance(window: SampleWindow, _: TimeRange) -> float:
    mean, squares = Summation(), Summation()
    for count, value in enumerate(window.values, 1):
        away = value - (mean.total + mean.compensation)
        mean.add(away / count)
        squares.add(away * (value - (mean.total + mean.compensation)))
    return (squares.total + squares.compensation) / len(window.values)


def _deviation(window: SampleWindow, span: TimeRange) -> float:
    variance = _variance(window, span)
    return math.sqrt(variance) if variance >= 0 else math.nan


def _minimum(window: SampleWindow, _: TimeRange) -> float:
    return min(_numbers(window), default=math.nan)


def _maximum(window: SampleWindow, _: TimeRange) -> float:
    return max(_numbers(window), default=math.nan)


def _numbers(window: SampleWindow) -> list[float]:
    return [value for value in window.values if not math.isnan(value)]


def _changes(window: SampleWindow, _: TimeRange) -> float:
    pairs = zip(window.values, window.values[1:], strict=False)
    return float(sum(a != b and not (math.isnan(a) and math.isnan(b)) for a, b in pairs))


def _resets(window: SampleWindow, _: TimeRange) -> float:
    return float(sum(b < a for a, b in zip(window.values, window.values[1:], strict=False)))


def quantile_over_time(window: SampleWindow, _: TimeRange, q: float) -> float:
    """Return the q-quantile of the samples."""
    return quantile(q, window.values)


RANGE_FUNCTIONS: dict[str, RangeFunction] = {
    "avg_over_time": _average,
    "changes": _changes,
    "count_over_time": lambda window, _: float(len(window.values)),
    "delta": partial(_extrapolated, counter=False),
    "deriv": _deriv,
    "idelta": _idelta,
    "increase": partial(_extrapolated, counter=True),
    "irate": _irate,
    "last_over_time": lambda window, _: window.values[-1],
    "max_over_time": _maximum,
    "min_over_time": _minimum,
    "present_over_time": lambda _window, _: 1.0,
    "rate": _rate,
    "resets": _resets,
    "stddev_over_time": _deviation,
    "stdvar_over_time": _variance,
    "sum_over_time": _sum,
}
