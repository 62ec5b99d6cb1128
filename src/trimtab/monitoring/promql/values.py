"""Values of expressions, and arithmetic with the semantics of Go."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from trimtab.monitoring.cost import Cost
from trimtab.monitoring.errors import EvaluationFailed
from trimtab.monitoring.labels import Labels
from trimtab.monitoring.series import Samples


class Element(NamedTuple):
    """One element of an instant vector."""

    labels: Labels
    value: float


Vector = list[Element]


@dataclass(frozen=True, slots=True)
class Instant:
    """Samples and time at which an expression is evaluated."""

    store: Samples
    at_ms: int
    cost: Cost = field(default_factory=Cost)
    """What the evaluation has read so far; one for all parts of the expression."""
    tolerance_ms: int | None = None
    """Leave out series that do not cover their range by more than this; None: as Prometheus, take
    all.
    """


ScalarNode = Callable[[Instant], float]
VectorNode = Callable[[Instant], Vector]


def distinct(elements: Vector) -> Vector:
    """Return the elements, or fail as Prometheus does when two have the same labels."""
    if len({element.labels for element in elements}) != len(elements):
        raise EvaluationFailed("The result would contain two series with the same labels.")
    return elements


def ieee(function: Callable[..., float], fallback: Callable[..., object]) -> Callable[..., float]:
    """Return the function with infinities and NaN where Python's `math` raises an error.

    Args:
        function: The fast one, from `math` or `operator`.
        fallback: NumPy's, for the arguments at which the fast one raises.
    """

    def total(*arguments: float) -> float:
        try:
            return function(*arguments)
        except (ValueError, OverflowError, ZeroDivisionError):
            with np.errstate(all="ignore"):
                return float(fallback(*(np.float64(argument) for argument in arguments)))  # type: ignore[arg-type]

    return total


class Summation:
    """Kahan-Neumaier summation, so that long sums agree with Prometheus' to the last digits."""

    __slots__ = ("compensation", "total")

    def __init__(self) -> None:
        self.total = 0.0
        self.compensation = 0.0

    def add(self, increment: float) -> None:
        """Add one term."""
        total = self.total + increment
        if abs(self.total) >= abs(increment):
            self.compensation += (self.total - total) + increment
        else:
            self.compensation += (increment - total) + self.total
        self.total = total

    def result(self) -> float:
        """Return the sum; infinite or NaN as IEEE addition would make it."""
        return self.total if math.isinf(self.total) else self.total + self.compensation


def quantile(q: float, values: Iterable[float]) -> float:
    """Return the q-quantile by linear interpolation; NaN sorts below every number."""
    # A NaN differs from itself, so that it sorts first.
    ordered = sorted(values, key=lambda value: (value == value, value))  # noqa: PLR0124
    if not ordered or math.isnan(q):
        return math.nan
    if q < 0 or q > 1:
        return math.copysign(math.inf, q)
    rank = q * (len(ordered) - 1)
    lower = math.floor(rank)
    upper = min(len(ordered) - 1, lower + 1)
    weight = rank - lower
    return ordered[lower] * (1 - weight) + ordered[upper] * weight
