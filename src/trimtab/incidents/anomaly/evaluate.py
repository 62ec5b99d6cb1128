"""Measures the detector on labelled series, with the standard score of NAB."""

import time
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from trimtab.incidents.anomaly.detector import SeriesDetector
from trimtab.incidents.anomaly.nab import (
    LabelledSeries,
    SeriesScore,
    read_series,
    score_series,
    standard_score,
)


@dataclass(frozen=True, slots=True)
class AnomalyGroup:
    """Result on the series of one folder."""

    name: str
    series: int
    windows: int
    found: int
    """Windows with a detection."""
    false_alarms: int
    standard_score: float | None
    """None where no series has a window."""


@dataclass(frozen=True, slots=True)
class AnomalyScore:
    """Result of the shipped detector."""

    standard_score: float
    """NAB's standard profile: 0 for no detection, 100 for each window found at its start."""
    groups: tuple[AnomalyGroup, ...]
    values: int
    seconds: float
    false_alarms_per_1000: float


def evaluate_anomalies(folder: Path) -> AnomalyScore:
    """Run the detector over every series of the folder, as if its values arrived one by one.

    Raises:
        CasesRefused: The folder holds no labelled series.
    """
    series = read_series(folder)
    begun = time.perf_counter()
    scores = [(each, score_series(each, detections_of(each))) for each in series]
    seconds = time.perf_counter() - begun
    values = sum(len(each.values) for each in series)
    groups = tuple(
        _group(name, [score for _, score in found])
        for name, found in groupby(scores, key=lambda pair: pair[0].name.partition("/")[0])
    )
    false = sum(score.false_alarms for _, score in scores)
    return AnomalyScore(
        standard_score=round(standard_score([score for _, score in scores]), 2),
        groups=groups,
        values=values,
        seconds=round(seconds, 2),
        false_alarms_per_1000=round(1000 * false / values, 3),
    )


def detections_of(series: LabelledSeries) -> list[int]:
    """Return the positions at which the detector reports an anomaly."""
    detector = SeriesDetector()
    pairs = zip(series.times, series.values, strict=True)
    return [index for index, (at, value) in enumerate(pairs) if detector.detects(at, value)]


def _group(name: str, scores: list[SeriesScore]) -> AnomalyGroup:
    windows = sum(each.windows for each in scores)
    return AnomalyGroup(
        name=name,
        series=len(scores),
        windows=windows,
        found=sum(each.found for each in scores),
        false_alarms=sum(each.false_alarms for each in scores),
        standard_score=round(standard_score(scores), 2) if windows else None,
    )
