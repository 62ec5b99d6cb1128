"""Detects values of a series that are unlike everything it has shown before.

Three features look at the newest values: a jump, a shift of the level, and the distance from the
same time of former days. None needs a unit or a scale: each is compared with the largest value that
it had itself. The score is the largest of these ratios, and a value is an anomaly when its score
reaches `MARGIN`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
DAY_SECONDS = 86_400.0
QUIET_SECONDS = DAY_SECONDS / 4
"""Time after an anomaly in which no other is reported: what follows belongs to it."""
MARGIN = 1.1
"""Ratio to the largest former value above which a feature speaks; see docs/diagnosis.md."""
KEPT = 8_640
"""Values that are remembered: 30 days of one every five minutes."""
LEARNED = 288
"""Values before the first judgement: a day of one every five minutes."""
_JUMP, _LEVEL, _BEFORE = 5, 12, 144
_DAYS = 14


@dataclass(slots=True)
class SeriesDetector:
    """Judges the values of one series as they arrive.

    Attributes:
        margin: Ratio above which a value is an anomaly.
        quiet_seconds: Time after an anomaly in which no other is reported.
    """

    margin: float = MARGIN
    quiet_seconds: float = QUIET_SECONDS
    _values: Array = field(init=False, default_factory=lambda: np.empty(2 * KEPT))
    _times: Array = field(init=False, default_factory=lambda: np.empty(2 * KEPT))
    _count: int = field(init=False, default=0)
    _largest: dict[str, float] = field(init=False, default_factory=dict)
    _quiet_until: float = field(init=False, default=-np.inf)
    feature: str = field(init=False, default="")
    """The feature with the largest ratio at the newest value."""

    @classmethod
    def with_learned(
        cls, times: Array, values: Array, largest: Mapping[str, float]
    ) -> "SeriesDetector":
        """Return a detector that knows what another one has learned; see `learned`.

        Raises:
            ValueError: There are not as many times as values.
        """
        if times.shape != values.shape or times.ndim != 1:
            raise ValueError("not every value has a time")
        detector = cls()
        count = min(len(values), KEPT)
        detector._values[:count], detector._times[:count] = values[-count:], times[-count:]
        detector._count, detector._largest = count, dict(largest)
        return detector

    def learned(self) -> tuple[Array, Array, dict[str, float]]:
        """Return the remembered times and values, and the largest value of each feature."""
        begin, end = max(0, self._count - KEPT), self._count
        return self._times[begin:end], self._values[begin:end], dict(self._largest)

    @property
    def newest_at(self) -> float:
        """Return the time of the newest value; minus infinity before the first."""
        return float(self._times[self._count - 1]) if self._count else -np.inf

    def bridge(self, at: float, step: float) -> None:
        """Fill the time without values before an instant: former days are found by counting values.

        Args:
            at: Seconds since the epoch.
            step: Seconds between two values.
        """
        missing = min(round((at - self.newest_at) / step) - 1, KEPT) if self._count else 0
        day = round(DAY_SECONDS / step)
        for _ in range(missing):
            # The same time of the day before, or else the newest value.
            place = self._count - (day if 0 < day <= self._count else 1)
            self._append(self.newest_at + step, float(self._values[place]))

    def observe(self, at: float, value: float) -> float:
        """Take a value and return its score; 0 while too little is known.

        Args:
            at: Seconds since the epoch, later than before.
            value: Finite.
        """
        self._append(at, value)
        if self._count <= _BEFORE + _LEVEL:
            return 0.0
        values, times = self._values[: self._count], self._times[: self._count]
        best, self.feature = 0.0, ""
        for name, measure in FEATURES.items():
            found = measure(values, times)
            before = self._largest.get(name, 0.0)
            if before > 0 and found / before > best:
                best, self.feature = found / before, name
            self._largest[name] = max(before, found)
        return best if self._count > LEARNED else 0.0

    def detects(self, at: float, value: float) -> bool:
        """Take a value; return whether it is an anomaly and none was reported just before."""
        if self.observe(at, value) < self.margin or at < self._quiet_until:
            return False
        self._quiet_until = at + self.quiet_seconds
        return True

    def _append(self, at: float, value: float) -> None:
        if self._count == len(self._values):
            for kept in (self._values, self._times):
                kept[:KEPT] = kept[-KEPT:]
            self._count = KEPT
        self._values[self._count], self._times[self._count] = value, at
        self._count += 1


def _jump(values: Array, _: Array) -> float:
    return float(abs(values[-1] - np.median(values[-1 - _JUMP : -1])))


def _level(values: Array, _: Array) -> float:
    before = values[-_BEFORE - _LEVEL : -_LEVEL]
    return float(abs(values[-_LEVEL:].mean() - before.mean()))


def _season(values: Array, times: Array) -> float:
    """Return the distance of the last values from the nearest former day at the same time."""
    begin = len(values) - _JUMP
    step = (times[-1] - times[-_BEFORE]) / (_BEFORE - 1)
    day = round(DAY_SECONDS / step) if step > 0 else 0
    days = min(_DAYS, begin // day) if day else 0
    if day < _JUMP + 2 or days == 0:
        return 0.0
    starts = begin - day * np.arange(1, days + 1)[:, None] + np.arange(-2, 3)
    stretches = np.lib.stride_tricks.sliding_window_view(values, _JUMP)
    then = stretches[starts[starts >= 0]]
    return float(np.abs(then - values[begin:]).mean(axis=1).min()) if len(then) else 0.0


FEATURES: dict[str, Callable[[Array, Array], float]] = {
    "jump": _jump,
    "level": _level,
    "season": _season,
}
"""Each returns how unusual the newest values are, in a unit of its own."""
