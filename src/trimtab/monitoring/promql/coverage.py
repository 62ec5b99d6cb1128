"""Tells whether the samples of a series cover the range that a rule looks back over.

PromQL itself does not ask: ``min_over_time(x[30m])`` of a series that is ten seconds old is its
value of ten seconds.
"""

from itertools import pairwise

from trimtab.monitoring.promql.ranges import TimeRange
from trimtab.monitoring.series import SampleWindow

MISSED_SCRAPES = 3
"""The tolerance at both ends of a range, in scrape intervals."""
MAX_GAPS = 0.1
"""The part of a range that may be without samples between the first and the last one."""
COUNTERS = frozenset({"rate", "increase", "resets"})
"""A counter that is not exported yet has counted nothing, so its range is covered when the scrapes
cover it.
"""
NEWEST_ONLY = frozenset({"irate", "idelta", "last_over_time", "present_over_time"})
"""They speak of the newest samples, or of any one, however long the range is."""


def covers(window: SampleWindow, span: TimeRange, tolerance_ms: int, *, counter: bool) -> bool:
    """Return whether the samples cover the range without large gaps."""
    times = window.scrapes_ms if counter else window.times_ms
    tolerance = min(tolerance_ms, (span.end_ms - span.start_ms) // 2)
    if times[0] - span.start_ms > tolerance or span.end_ms - times[-1] > tolerance:
        return False
    steps = (later - earlier for earlier, later in pairwise(times))
    gaps = sum(step for step in steps if step > tolerance)
    return gaps <= MAX_GAPS * (span.end_ms - span.start_ms)


def covered_ms(window: SampleWindow, span: TimeRange, *, counter: bool) -> int:
    """Return the time between the first and the last sample in the range."""
    times = window.scrapes_ms if counter else window.times_ms
    return min(span.end_ms, times[-1]) - times[0]
