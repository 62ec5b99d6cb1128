"""Standard score of the Numenta Anomaly Benchmark, and the reader of its files.

Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms", ICMLA 2015; the weights are
those of the benchmark's standard profile.
"""

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from trimtab.incidents.errors import CasesRefused

FALSE_POSITIVE, FALSE_NEGATIVE = 0.11, 1.0
"""Weights of the standard profile; a true positive counts 1."""
_PROBATION = 0.15
"""Part of a series, of 5,000 values at most, in which detections do not count."""


@dataclass(frozen=True, slots=True)
class LabelledSeries:
    """A series with the windows of its anomalies, as first and last position."""

    name: str
    times: tuple[float, ...]
    values: tuple[float, ...]
    windows: tuple[tuple[int, int], ...]

    @property
    def probation(self) -> int:
        """Return the number of values at the start that do not count."""
        count = len(self.values)
        return int(min(math.floor(_PROBATION * count), _PROBATION * 5000))


def read_series(folder: Path) -> list[LabelledSeries]:
    """Read the series of the benchmark's folder that have labels.

    Raises:
        CasesRefused: The folder has none, or a file cannot be read.
    """
    try:
        labels = json.loads((folder / "labels" / "combined_windows.json").read_text("utf-8"))
        found = [
            _series(folder / "data" / name, name, windows)
            for name, windows in sorted(labels.items())
            if (folder / "data" / name).exists()
        ]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise CasesRefused(f"The series in {folder.name} cannot be read: {error!r}.") from error
    if not found:
        raise CasesRefused(f"No labelled series are in {folder.name}.")
    return found


def _series(file: Path, name: str, windows: Sequence[Sequence[str]]) -> LabelledSeries:
    with file.open(newline="", encoding="utf-8") as stream:
        rows = [(_seconds(row["timestamp"]), float(row["value"])) for row in csv.DictReader(stream)]
    times = tuple(at for at, _ in rows)
    positions = {at: index for index, at in reversed(list(enumerate(times)))}
    limits = tuple((positions[_seconds(a)], positions[_seconds(b)]) for a, b in windows)
    return LabelledSeries(name, times, tuple(value for _, value in rows), limits)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True)
class SeriesScore:
    """Points of the detections in one series."""

    points: float
    """The sum of rewards and penalties."""
    windows: int
    found: int
    """Windows with a detection."""
    false_alarms: int


def score_series(series: LabelledSeries, detections: Sequence[int]) -> SeriesScore:
    """Return the score of the detected positions, in the standard profile."""
    rewards = dict.fromkeys(series.windows, -FALSE_NEGATIVE)
    penalty, false = 0.0, 0
    for position in detections:
        if position < series.probation:
            continue
        window = next((w for w in series.windows if w[0] <= position <= w[1]), None)
        if window is None:
            penalty += FALSE_POSITIVE * _past(series.windows, position)
            false += 1
        else:
            rewards[window] = max(rewards[window], _reward(window, position))
    found = sum(reward > -FALSE_NEGATIVE for reward in rewards.values())
    return SeriesScore(sum(rewards.values()) + penalty, len(rewards), found, false)


def standard_score(scores: Sequence[SeriesScore]) -> float:
    """Return the score of all series: 0 for no detection, 100 for every window at its start."""
    windows = sum(each.windows for each in scores)
    none = -FALSE_NEGATIVE * windows
    return 100.0 * (sum(each.points for each in scores) - none) / (windows - none)


def _reward(window: tuple[int, int], position: int) -> float:
    begin, end = window
    place = -(end - position + 1) / (end - begin + 1)
    return _sigmoid(place) / _sigmoid(-1.0)


def _past(windows: Sequence[tuple[int, int]], position: int) -> float:
    """Return the penalty of a false alarm: less right after a window."""
    before = [window for window in windows if window[1] < position]
    if not before:
        return -1.0
    begin, end = before[-1]
    return _sigmoid((position - end) / max(end - begin, 1))


def _sigmoid(place: float) -> float:
    return -1.0 if place > 3.0 else 2.0 / (1.0 + math.exp(5.0 * place)) - 1.0
