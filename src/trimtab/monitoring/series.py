"""The last hours of samples, in memory.

Every *source* (a scrape, a rule) appends whole batches, one for each instant, so the instants are
stored once for each source and a series stores only where its value changed: a run of equal values
costs 16 bytes however long it is. A series that a batch no longer holds gets an *absent* run, which
is what Prometheus writes as a stale marker.
"""

import logging
import threading
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from trimtab.monitoring.cost import Cost
from trimtab.monitoring.labels import METRIC_NAME, Labels, value_of, without_name

LOOKBACK_MS = 5 * 60 * 1000
"""How old the newest sample of a series may be at an instant: Prometheus' default."""
SCRAPE = "scrape"
"""The source of the service's own metrics."""
_TRIM_AT_LEAST = 64
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Selection:
    """Series that a selector selects, compared by identity for caching."""

    metric: str | None
    """The exact name, or None when the name is matched like any other label."""
    tests: tuple[tuple[str, Callable[[str], bool]], ...] = ()
    """A label's name and the test its value has to pass; a missing label has the empty value."""

    def accepts(self, labels: Labels) -> bool:
        """Tell whether a series of the right name belongs to the selection."""
        return all(test(value_of(labels, name)) for name, test in self.tests)


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest sample of a series at an instant."""

    labels: Labels
    at_ms: int
    value: float


@dataclass(frozen=True, slots=True)
class SampleWindow:
    """The samples of a series in a span of time, oldest first, at least one."""

    labels: Labels
    nameless: Labels
    """The same without the metric's name."""
    times_ms: list[int]
    values: list[float]
    scrapes_ms: list[int]
    """All instants in the span at which the source appended, whether the series was there or not.
    """


class Samples(Protocol):
    """Port: samples that expressions are evaluated on."""

    def latest(self, selection: Selection, at_ms: int, cost: Cost | None = None) -> list[Latest]:
        """Return the newest sample of each selected series at an instant."""
        ...

    def window(
        self, selection: Selection, from_ms: int, to_ms: int, cost: Cost | None = None
    ) -> list[SampleWindow]:
        """Return the selected series' samples in a span of time."""
        ...

    def newest_ms(self, source: str = SCRAPE) -> int | None:
        """Return when the source last appended, or None when it never did."""
        ...


class _Timeline:
    """The instants at which one source appended, and the series that it writes."""

    def __init__(self) -> None:
        self.times = array("q")
        self.first = 0
        """The number of the oldest instant still held; numbers count up for ever."""
        self.series: dict[Labels, _Series] = {}

    def column_at(self, at_ms: int) -> int:
        """Return the number of the newest instant not after ``at_ms``, or ``first - 1``."""
        return self.first + bisect_right(self.times, at_ms) - 1


class _Series:
    """Runs of equal values.

    ``marks[i]`` is twice the index of the first instant, plus one for an absent run.
    """

    __slots__ = ("labels", "marks", "nameless", "seen", "timeline", "values")

    def __init__(self, labels: Labels, timeline: _Timeline) -> None:
        self.labels = labels
        self.nameless = without_name(labels)
        self.timeline = timeline
        self.marks = array("q")
        self.values = array("d")
        self.seen = -1

    def put(self, column: int, value: float) -> None:
        """Take a value; -0.0 continues a run of 0.0."""
        self.seen = column
        if self.marks and not self.marks[-1] & 1:
            last = self.values[-1]
            if last == value or (last != last and value != value):  # noqa: PLR0124 - both are NaN.
                return
        self.marks.append(column * 2)
        self.values.append(value)

    def end(self, column: int) -> None:
        if self.marks[-1] & 1:
            return
        self.marks.append(column * 2 + 1)
        self.values.append(0.0)

    def at(self, column: int) -> float | None:
        """Return the value at that instant, or None when there was none."""
        run = bisect_right(self.marks, column * 2 + 1) - 1
        return None if run < 0 or self.marks[run] & 1 else self.values[run]

    def between(self, low: int, high: int) -> tuple[list[range], list[float]]:
        """Return the instants in ``[low, high)`` with a value, as ranges, and the values."""
        marks, values = self.marks, self.values
        run = max(0, bisect_right(marks, low * 2 + 1) - 1)
        last = bisect_left(marks, high * 2) - 1
        unbroken: list[range] = []
        found: list[float] = []
        start = position = max(low, marks[run] >> 1)
        while run <= last:
            end = marks[run + 1] >> 1 if run < last else high
            if marks[run] & 1:
                unbroken.append(range(start, position))
                start = end
            else:
                found += [values[run]] * (end - position)
            position = end
            run += 1
        unbroken.append(range(start, position))
        return unbroken, found

    def forget_before(self, column: int) -> bool:
        """Drop the runs that ended before that instant; return whether nothing is left."""
        run = bisect_right(self.marks, column * 2 + 1) - 1
        if run > 0:
            del self.marks[:run], self.values[:run]
        return run >= 0 and len(self.marks) == 1 and bool(self.marks[0] & 1)


class SeriesStore:
    """Thread-safe store of recent samples, limited in time and series.

    Args:
        retention_seconds: How far back selectors can see. Samples up to a sixteenth older may still
            be held.
        max_series: Series beyond this number are refused, counted in ``refused_series`` and logged
            once.
    """

    def __init__(self, retention_seconds: float = 7200.0, max_series: int = 20_000) -> None:
        self._retention_ms = int(retention_seconds * 1000)
        self._max_series = max_series
        self._lock = threading.Lock()
        self._timelines: dict[str, _Timeline] = {}
        self._by_name: dict[str, dict[Labels, _Series]] = {}
        self._series_count = 0
        self.refused_series = 0
        """How many samples were dropped because their series did not fit or belongs to another
        source.
        """
        self.refused_batches = 0
        """How many batches were dropped because they were not newer than their source's last one.
        """

    def append(self, source: str, at_ms: int, samples: Iterable[tuple[Labels, float]]) -> None:
        """Append everything that a source knows at an instant.

        Args:
            source: Who appends. A series that the source's last batch held and this one does not is
                stale from now on.
            at_ms: Milliseconds since 1970; must grow from batch to batch of a source, else the
                batch is refused.
            samples: Labels including the metric's name, and the value.
        """
        with self._lock:
            timeline = self._timelines.setdefault(source, _Timeline())
            if timeline.times and at_ms <= timeline.times[-1]:
                self.refused_batches += 1
                _log.warning("samples refused: not newer than the last", extra={"source": source})
                return
            column = timeline.first + len(timeline.times)
            timeline.times.append(at_ms)
            for labels, value in samples:
                series = timeline.series.get(labels) or self._admit(labels, timeline)
                if series is not None:
                    series.put(column, value)
            for series in timeline.series.values():
                if series.seen != column:
                    series.end(column)
            self._forget_before(timeline, at_ms - self._retention_ms)

    def latest(self, selection: Selection, at_ms: int, cost: Cost | None = None) -> list[Latest]:
        """Return the selected series with a fresh sample at an instant.

        A sample is fresh for five minutes, unless it is stale.
        """
        with self._lock:
            found = []
            columns: dict[_Timeline, int] = {}
            for series in self._selected(selection, cost):
                timeline = series.timeline
                column = columns.get(timeline)
                if column is None:
                    column = columns[timeline] = timeline.column_at(at_ms)
                if column < timeline.first:
                    continue
                stamp = timeline.times[column - timeline.first]
                value = series.at(column) if stamp >= at_ms - LOOKBACK_MS else None
                if value is not None:
                    found.append(Latest(series.labels, stamp, value))
            return found

    def window(
        self, selection: Selection, from_ms: int, to_ms: int, cost: Cost | None = None
    ) -> list[SampleWindow]:
        """Return the selected series' samples from ``from_ms`` to ``to_ms``, both included."""
        with self._lock:
            found = []
            spans: dict[_Timeline, tuple[int, int, list[int]]] = {}
            for series in self._selected(selection, cost):
                span = spans.get(series.timeline)
                if span is None:
                    span = spans[series.timeline] = _span(series.timeline, from_ms, to_ms)
                if cost is not None:
                    cost.add_samples(span[1] - span[0])
                window = _window(series, *span)
                if window is not None:
                    found.append(window)
            return found

    def newest_ms(self, source: str = SCRAPE) -> int | None:
        """Return when the source last appended, or None when it never did."""
        with self._lock:
            timeline = self._timelines.get(source)
            return timeline.times[-1] if timeline is not None and timeline.times else None

    def oldest_ms(self, source: str = SCRAPE) -> int | None:
        """Return the oldest instant of a source that is still held, or None."""
        with self._lock:
            timeline = self._timelines.get(source)
            return timeline.times[0] if timeline is not None and timeline.times else None

    def metric_names(self) -> set[str]:
        """Return the names of the metrics that are held."""
        with self._lock:
            return {name for name, series in self._by_name.items() if series}

    def __len__(self) -> int:
        """Return how many series are held."""
        return self._series_count

    def _selected(self, selection: Selection, cost: Cost | None) -> Iterator[_Series]:
        if selection.metric is not None:
            candidates: Iterable[dict[Labels, _Series]] = (self._by_name.get(selection.metric, {}),)
        else:
            candidates = self._by_name.values()
        for group in candidates:
            for labels, series in group.items():
                if cost is not None:
                    cost.add_series()
                if selection.accepts(labels):
                    yield series

    def _admit(self, labels: Labels, timeline: _Timeline) -> _Series | None:
        group = self._by_name.setdefault(value_of(labels, METRIC_NAME), {})
        if labels in group or self._series_count >= self._max_series:
            if not self.refused_series:
                _log.error("series refused: too many, or of two sources", extra={"labels": labels})
            self.refused_series += 1
            return None
        series = _Series(labels, timeline)
        timeline.series[labels] = group[labels] = series
        self._series_count += 1
        return series

    def _forget_before(self, timeline: _Timeline, cutoff_ms: int) -> None:
        old = bisect_left(timeline.times, cutoff_ms)
        if old < max(_TRIM_AT_LEAST, len(timeline.times) // 16):
            return
        del timeline.times[:old]
        timeline.first += old
        for labels, series in list(timeline.series.items()):
            if series.forget_before(timeline.first):
                del timeline.series[labels]
                del self._by_name[value_of(labels, METRIC_NAME)][labels]
                self._series_count -= 1


def _span(timeline: _Timeline, from_ms: int, to_ms: int) -> tuple[int, int, list[int]]:
    low = bisect_left(timeline.times, from_ms)
    high = bisect_right(timeline.times, to_ms)
    return timeline.first + low, timeline.first + high, timeline.times[low:high].tolist()


def _window(series: _Series, low: int, high: int, times: list[int]) -> SampleWindow | None:
    unbroken, values = series.between(low, high)
    if not values:
        return None
    kept = [at_ms for span in unbroken for at_ms in times[span.start - low : span.stop - low]]
    return SampleWindow(series.labels, series.nameless, kept, values, times)
