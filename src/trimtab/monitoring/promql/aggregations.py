"""Aggregations: ``sum``, ``avg``, ``topk`` and the like, with ``by`` and ``without``."""

import math
from collections.abc import Callable
from decimal import Decimal

from trimtab.monitoring.errors import EvaluationFailed
from trimtab.monitoring.labels import METRIC_NAME, Labels, changed, drop, keep
from trimtab.monitoring.promql.values import Element, Vector, distinct, quantile

Grouping = Callable[[Labels], Labels]
"""Maps an element's labels to those of its group."""


def by(names: list[str]) -> Grouping:
    """Return the grouping that keeps only these labels."""
    kept = frozenset(names)
    return lambda labels: keep(labels, kept)


def without(names: list[str]) -> Grouping:
    """Return the grouping that drops these labels and the metric's name."""
    dropped = frozenset({*names, METRIC_NAME})
    return lambda labels: drop(labels, dropped)


def _average(values: list[float]) -> float:
    mean = 0.0
    for count, value in enumerate(values, 1):
        if math.isinf(mean):
            same = math.isinf(value) and (mean > 0) == (value > 0)
            if same or math.isfinite(value):
                continue
        mean += value / count - mean / count
    return mean


def _variance(values: list[float]) -> float:
    mean, squares = values[0], 0.0  # One value has no variance, even if it is infinite or NaN.
    for count, value in enumerate(values[1:], 2):
        away = value - mean
        mean += away / count
        squares += away * (value - mean)
    return squares / len(values)


def _deviation(values: list[float]) -> float:
    variance = _variance(values)
    return math.sqrt(variance) if variance >= 0 else math.nan


def _minimum(values: list[float]) -> float:
    return min((value for value in values if not math.isnan(value)), default=math.nan)


def _maximum(values: list[float]) -> float:
    return max((value for value in values if not math.isnan(value)), default=math.nan)


PLAIN: dict[str, Callable[[list[float]], float]] = {
    "avg": _average,
    "count": lambda values: float(len(values)),
    "group": lambda _: 1.0,
    "max": _maximum,
    "min": _minimum,
    "stddev": _deviation,
    "stdvar": _variance,
    "sum": lambda values: float(sum(values)),
}
"""Aggregations of a group's values to one value."""


def aggregate(reduce: Callable[[list[float]], float], vector: Vector, grouping: Grouping) -> Vector:
    """Return one element for each group."""
    groups: dict[Labels, list[float]] = {}
    for element in vector:
        groups.setdefault(grouping(element.labels), []).append(element.value)
    return [Element(labels, reduce(values)) for labels, values in groups.items()]


def quantiles(q: float, vector: Vector, grouping: Grouping) -> Vector:
    """Return each group's q-quantile."""
    return aggregate(lambda values: quantile(q, values), vector, grouping)


def first(size: float, vector: Vector, grouping: Grouping, *, descending: bool) -> Vector:
    """Return the largest or smallest elements of each group in order, NaN last."""
    if math.isnan(size) or abs(size) >= 2**63:
        raise EvaluationFailed(f"{size} is not a number of elements.")
    groups: dict[Labels, list[Element]] = {}
    for element in vector:
        groups.setdefault(grouping(element.labels), []).append(element)
    return [
        element
        for group in groups.values()
        for element in ordered(group, descending=descending)[: max(0, int(size))]
    ]


def ordered(vector: Vector, *, descending: bool) -> Vector:
    """Return the elements in the order of their values, NaN last either way."""
    sign = -1 if descending else 1
    return sorted(vector, key=lambda element: (math.isnan(element.value), sign * element.value))


def count_values(label: str, vector: Vector, grouping: Grouping) -> Vector:
    """Return how often each value occurs in a group; the value is written into ``label``."""
    groups: dict[Labels, int] = {}
    for element in vector:
        labels = changed(grouping(element.labels), {label: _plain_text(element.value)})
        groups[labels] = groups.get(labels, 0) + 1
    return distinct([Element(labels, float(count)) for labels, count in groups.items()])


def _plain_text(value: float) -> str:
    """Format a number as Go's ``FormatFloat(value, 'f', -1, 64)``: no exponent."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")
