"""Forecasts the peak of the coming week from the hourly peaks of the weeks before.

Each hour of the week is expected to be like the same hour of former weeks, moved by the growth from
week to week. Both are medians, so one incident in one week does not move the forecast far.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Peaks: TypeAlias = NDArray[np.float32]
WEEK_HOURS = 168
MIN_WEEKS = 2
"""Fewer show no growth."""
_MIN_KNOWN = 0.8
"""Share of a week's hours that must be known; a shorter week could lack its busiest hours."""


def forecast_peak(hours: Peaks) -> float | None:
    """Return the highest hourly peak that is expected within a week; None when too little is known.

    Args:
        hours: Peak of each hour, the oldest first, up to the newest complete one; NaN where it is
            not known.
    """
    weeks = _known_weeks(hours)
    before = len(hours) - MIN_WEEKS * WEEK_HOURS + 1
    if len(weeks) < MIN_WEEKS or not np.isfinite(hours[:before]).any():
        return None
    growth = np.nanmedian(weeks[1:] - weeks[:-1])
    ahead = np.arange(len(weeks), 0, -1)[:, np.newaxis]
    moved = weeks + growth * ahead
    known = moved[:, np.isfinite(moved).any(axis=0)]
    return max(0.0, float(np.nanmedian(known, axis=0).max()))


def _known_weeks(hours: Peaks) -> Peaks:
    """Return the newest weeks in a row of which enough is known, as one row for each week."""
    count = len(hours) // WEEK_HOURS
    weeks = hours[len(hours) - count * WEEK_HOURS :].reshape(count, WEEK_HOURS)
    known = 0
    for week in weeks[::-1]:
        if np.isfinite(week).mean() < _MIN_KNOWN:
            break
        known += 1
    return weeks[count - known :]
