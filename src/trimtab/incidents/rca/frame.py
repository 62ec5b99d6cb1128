"""Metrics of several nodes over time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MetricColumn:
    """One series: a statistic of a metric of a node."""

    node: str
    metric: str
    statistic: str = ""

    @property
    def name(self) -> str:
        """Return the series' name for people."""
        return " ".join(part for part in (self.node, self.metric, self.statistic) if part)


@dataclass(frozen=True, slots=True)
class MetricFrame:
    """Values of columns over time; a missing value is NaN."""

    columns: tuple[MetricColumn, ...]
    values: Array
    """Time by column."""
    _indices: dict[MetricColumn, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        indices = {column: index for index, column in enumerate(self.columns)}
        object.__setattr__(self, "_indices", indices)

    def get(self, column: MetricColumn) -> Array | None:
        """Return the values of a column, or None."""
        index = self._indices.get(column)
        return None if index is None else self.values[:, index]

    def only(self, columns: Sequence[MetricColumn]) -> "MetricFrame":
        """Return the frame with these columns, which it must have."""
        indices = [self._indices[column] for column in columns]
        return MetricFrame(tuple(columns), self.values[:, indices])

    def rows(self, begin: int, end: int) -> "MetricFrame":
        """Return the frame of a part of the time."""
        return MetricFrame(self.columns, self.values[begin:end])


def common(first: MetricFrame, second: MetricFrame) -> tuple[MetricFrame, MetricFrame]:
    """Return both frames with the columns that both have."""
    known = set(second.columns)
    shared = [column for column in first.columns if column in known]
    return first.only(shared), second.only(shared)
