"""Notes what is used of each resource, and forecasts the peak of the coming week every hour."""

import logging
import math
from collections.abc import Callable, Iterable

import numpy as np

from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.operable import Sample, Signal
from trimtab.monitoring.labels import Labels
from trimtab.monitoring.promql.evaluator import Expression, compile_expression
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import Samples
from trimtab.monitoring.usage.forecast import WEEK_HOURS, forecast_peak
from trimtab.monitoring.usage.history import SeriesKey, UsageHistory

LOOK_SECONDS = 300.0
_LABELS = ("cluster", "namespace", "name")
"""Labels of a series that are kept, besides the expression itself."""
_HOUR_MS = 3_600_000
_log = logging.getLogger(__name__)


class UsageForecast:
    """Knows the hourly peaks of the watched series, and what they will be within a week.

    Args:
        expressions: PromQL of shares: 1 is everything that there is.
        samples: Returns the samples, without drills.
        history: The hours before.
        clock: Of the service.
    """

    def __init__(
        self,
        expressions: Iterable[str],
        samples: Callable[[], Samples],
        history: UsageHistory,
        clock: Clock,
    ) -> None:
        self._expressions = [compile_expression(text) for text in expressions]
        self._samples = samples
        self._history = history
        self._clock = clock
        self._loaded = False
        self._expected: list[Sample] = []
        self._past: list[Sample] = []
        self._days = 0.0

    def look(self) -> None:
        """Note the values of now; when another hour began, forecast again and save."""
        if not self._loaded:
            self._history.load()
            self._loaded = True
            self._forecast()
        now_ms = milliseconds(self._clock.now())
        values: dict[SeriesKey, float] = {}
        for expression in self._expressions:
            for key, value in self._read(expression, now_ms):
                values[key] = max(value, values.get(key, value))
        if self._history.note(now_ms // _HOUR_MS, values):
            self._forecast()
            self._history.save()

    def close(self) -> None:
        """Save the hour that has begun."""
        if self._loaded:
            self._history.save()

    def signals(self) -> tuple[Signal, ...]:
        """Return the signals of past and expected peaks."""
        labels = ("series", *_LABELS)
        return (
            Signal(
                "usage.peak", "ratio", "Highest share that was used in the last week.",
                lambda: self._past, labels,
            ),
            Signal(
                "usage.forecast.peak", "ratio",
                "Highest share that will be used in the coming week, if it continues like the weeks"
                " before; absent before two weeks are known.",
                lambda: self._expected, labels,
            ),
            Signal(
                "usage.forecast.days", "days", "Days of which any use is known.",
                lambda: [Sample(self._days)],
            ),
        )  # fmt: skip

    def _read(self, expression: Expression, now_ms: int) -> Iterable[tuple[SeriesKey, float]]:
        try:
            found = expression.evaluate(self._samples(), now_ms)
        except TrimtabError as error:
            _log.warning("the use of a resource cannot be read: %s", error.message)
            return
        for each in found:
            if math.isfinite(each.value):
                yield _key(expression.text, each.labels), each.value

    def _forecast(self) -> None:
        expected, past, hours = [], [], 0
        for key, peaks in self._history.complete():
            labels = dict(key)
            known = np.isfinite(peaks)
            if known.any():
                hours = max(hours, len(peaks) - int(known.argmax()))
            if known[-WEEK_HOURS:].any():
                past.append(Sample(float(np.nanmax(peaks[-WEEK_HOURS:])), labels))
            peak = forecast_peak(peaks)
            if peak is not None:
                expected.append(Sample(peak, labels))
        self._expected, self._past, self._days = expected, past, round(hours / 24, 1)


def _key(expression: str, labels: Labels) -> SeriesKey:
    given = dict(labels)
    kept = {name: given.get(name, "") for name in _LABELS}
    return tuple(sorted({**kept, "series": expression}.items()))
