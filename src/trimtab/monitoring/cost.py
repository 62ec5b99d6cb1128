"""Limits on the cost of evaluating one expression."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from trimtab.monitoring.errors import QueryTooExpensive

_LOOK_AT_CLOCK_EVERY = 1000


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """The most that one evaluation may read and take."""

    samples: int = 10_000_000
    """Samples that range selectors read, and results of every part of the expression."""
    series: int = 2_000_000
    """Series that selectors compare with their matchers, over all selectors."""
    seconds: float = 10.0
    """How long the thread of the evaluation may be busy or waiting."""


DEFAULT_LIMITS = QueryLimits()
"""For rules and pages."""
CALLER_LIMITS = QueryLimits(samples=5_000_000, series=1_000_000, seconds=5.0)
"""For expressions that callers of the API send."""


class Cost:
    """Adds up what one evaluation reads, and ends it beyond the limits.

    Args:
        limits: The limits.
        timer: Seconds that only go forward.
    """

    __slots__ = ("_charges", "_deadline", "_limits", "_timer", "samples", "series")

    def __init__(
        self, limits: QueryLimits = DEFAULT_LIMITS, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self._timer = timer
        self._deadline = timer() + limits.seconds
        self._charges = 0
        self.samples = 0
        self.series = 0

    def add_series(self) -> None:
        """Count one series that was compared with matchers.

        Raises:
            QueryTooExpensive: It is beyond a limit.
        """
        self.series += 1
        if self.series > self._limits.series:
            raise QueryTooExpensive(f"it compares more than {self._limits.series} series")
        self._charges += 1
        if self._charges >= _LOOK_AT_CLOCK_EVERY:
            self._check_time()

    def add_samples(self, count: int) -> None:
        """Count samples that were read, or elements that were made.

        Raises:
            QueryTooExpensive: They are beyond a limit.
        """
        self.samples += count
        if self.samples > self._limits.samples:
            raise QueryTooExpensive(f"it reads more than {self._limits.samples} samples")
        self._charges += 1 + count
        if self._charges >= _LOOK_AT_CLOCK_EVERY:
            self._check_time()

    def _check_time(self) -> None:
        self._charges = 0
        if self._timer() > self._deadline:
            raise QueryTooExpensive(f"it takes longer than {self._limits.seconds:g} s")
