"""Small line charts as SVG, without scripts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 240
HEIGHT = 48
_EDGE = 3
"""Margin at top and bottom for the width of the line."""


@dataclass(frozen=True, slots=True)
class Spark:
    """A line chart of 240 by 48 units."""

    line: str
    """An SVG path with gaps where values are missing."""
    area: str
    """The SVG path of the area below the line."""
    end_x: float
    end_y: float
    low: float
    high: float


def spark(values: Sequence[float | None]) -> Spark | None:
    """Return the line through evenly spaced values; None for fewer than two.

    The scale starts at zero unless values are negative, so that heights can be compared.
    """
    found = [value for value in values if value is not None and math.isfinite(value)]
    if len(found) < 2:
        return None
    low, high = min(0.0, *found), max(found)
    span = (high - low) or 1.0
    step = WIDTH / (len(values) - 1)

    def place(index: int, value: float) -> tuple[float, float]:
        height = HEIGHT - 2 * _EDGE
        return round(index * step, 1), round(_EDGE + height * (1 - (value - low) / span), 1)

    runs = _runs(values)
    points = [[place(index, value) for index, value in run] for run in runs]
    line = " ".join(_path(run) for run in points)
    area = " ".join(
        f"{_path(run)} L{run[-1][0]},{HEIGHT} L{run[0][0]},{HEIGHT} Z" for run in points
    )
    end_x, end_y = points[-1][-1]
    return Spark(line, area, end_x, end_y, min(found), high)


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    runs: list[list[tuple[int, float]]] = [[]]
    for index, value in enumerate(values):
        if value is not None and math.isfinite(value):
            runs[-1].append((index, value))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x},{y}" for x, y in points)
