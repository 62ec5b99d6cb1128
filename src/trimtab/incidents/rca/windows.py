"""The time before a problem and the time of it, as instants at which series are compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from trimtab.incidents.rca.frame import Array, MetricColumn, MetricFrame

BEFORE = timedelta(hours=1)
"""Time before the condition began that counts as usual."""
_MARGIN = timedelta(minutes=1)
"""Time before the condition began that belongs to neither window."""
_STEPS = 120
_COUNTERS = ("_total", "_count", "_sum")


@dataclass(frozen=True, slots=True)
class Windows:
    """The instants from an hour before the condition began until now.

    Attributes:
        begun: When the condition began; not after now.
        now: The last instant.
    """

    begun: datetime
    now: datetime

    @property
    def step_seconds(self) -> float:
        """Return the time between two instants."""
        return (self.now - self.begun + BEFORE).total_seconds() / _STEPS

    def instants(self) -> list[datetime]:
        """Return the instants, the oldest first, aligned with the newest."""
        step = timedelta(seconds=self.step_seconds)
        count = int((self.now - self.begun + BEFORE) / step)
        return [self.now - step * number for number in range(count, -1, -1)]

    def values(self, points: Mapping[float, float], metric: str) -> Array:
        """Return the value at each instant, or NaN; of a counter, its growth in a second."""
        times = [at.timestamp() for at in self.instants()]
        known = np.full(len(times), np.nan)
        for at, value in points.items():
            # A server rounds instants to milliseconds.
            place = round((at - times[0]) / self.step_seconds)
            if 0 <= place < len(times):
                known[place] = value
        if not metric.endswith(_COUNTERS):
            return known
        # A counter that falls was reset.
        steps = np.diff(known, prepend=np.nan) / self.step_seconds
        return np.where(steps < 0, np.nan, steps)

    def frames(self, columns: Mapping[MetricColumn, Array]) -> tuple[MetricFrame, MetricFrame]:
        """Return the columns with values in at least half of both windows, before and during."""
        times = self.instants()
        before = [index for index, at in enumerate(times) if at < self.begun - _MARGIN]
        during = [index for index, at in enumerate(times) if at >= self.begun]
        kept = {
            column: values
            for column, values in columns.items()
            if _mostly(values[before]) and _mostly(values[during])
        }
        values = np.empty((len(times), len(kept)))
        for place, column in enumerate(kept.values()):
            values[:, place] = column
        names = tuple(kept)
        return MetricFrame(names, values[before]), MetricFrame(names, values[during])


def _mostly(values: Array) -> bool:
    return float(np.isfinite(values).mean()) >= 0.5
