"""Operators with the matching rules of Prometheus 2.42 (``promql/engine.go``)."""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from trimtab.monitoring.errors import EvaluationFailed
from trimtab.monitoring.labels import (
    METRIC_NAME,
    Labels,
    changed,
    drop,
    keep,
    value_of,
    without_name,
)
from trimtab.monitoring.promql.values import Element, Vector, ieee

ARITHMETIC: dict[str, Callable[..., float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": ieee(operator.truediv, np.divide),
    "%": ieee(math.fmod, np.fmod),
    "^": ieee(math.pow, np.power),
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
SET_OPERATORS = frozenset({"and", "or", "unless"})


class Many(Enum):
    """Which side may have several series for one of the other side."""

    NEITHER = "neither"
    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Matching:
    """Matching of the elements of two vectors: ``on``, ``ignoring``, ``group_left``."""

    on: bool = False
    """True: only ``labels`` count; False: all labels but ``labels`` and the metric's name."""
    labels: frozenset[str] = frozenset()
    many: Many = Many.NEITHER
    include: tuple[str, ...] = ()
    """Labels that the result takes from the "one" side."""

    def key(self, labels: Labels) -> Labels:
        """Return what has to be equal on both sides."""
        return keep(labels, self.labels) if self.on else drop(labels, self._ignored)

    @property
    def _ignored(self) -> frozenset[str]:
        return self.labels | {METRIC_NAME}


@dataclass(frozen=True, slots=True)
class Operation:
    """An arithmetic operator, or a comparison that filters or (``bool``) returns 0 and 1."""

    symbol: str
    as_bool: bool = False

    @property
    def drops_name(self) -> bool:
        """Tell whether the result is no longer the metric that its left side was."""
        return self.as_bool or self.symbol in ARITHMETIC

    def apply(self, left: float, right: float) -> float | None:
        """Return the result, or None when the comparison filters the element out."""
        if self.symbol in ARITHMETIC:
            return ARITHMETIC[self.symbol](left, right)
        holds = COMPARISONS[self.symbol](left, right)
        if self.as_bool:
            return float(holds)
        return left if holds else None


def scalars(operation: Operation, left: float, right: float) -> float:
    """Return the result of two scalars; comparisons between them always have ``bool``."""
    result = operation.apply(left, right)
    return math.nan if result is None else result


def vector_scalar(
    operation: Operation, vector: Vector, scalar: float, *, scalar_first: bool
) -> Vector:
    """Return the vector with the operator applied; comparisons filter it."""
    result = []
    for labels, value in vector:
        left, right = (scalar, value) if scalar_first else (value, scalar)
        found = operation.apply(left, right)
        if found is None:
            continue
        filtered = not operation.drops_name
        result.append(Element(labels, value) if filtered else Element(without_name(labels), found))
    return result


def vectors(operation: Operation, left: Vector, right: Vector, matching: Matching) -> Vector:
    """Return the results of the pairs that match.

    Raises:
        EvaluationFailed: One side has several series where the matching allows one.
    """
    if not left or not right:
        return []
    swapped = matching.many is Many.RIGHT
    many, single = (right, left) if swapped else (left, right)
    partners = _partners(single, matching)
    result: Vector = []
    taken: set[tuple[Labels, Labels]] = set()
    for element in many:
        key = matching.key(element.labels)
        partner = partners.get(key)
        if partner is None:
            continue
        first, second = (partner, element) if swapped else (element, partner)
        value = operation.apply(first.value, second.value)
        if value is None:
            continue
        labels = _result_labels(operation, element.labels, partner.labels, matching)
        claim = (key, () if matching.many is Many.NEITHER else labels)
        if claim in taken:
            raise EvaluationFailed(_TAKEN[matching.many is Many.NEITHER])
        taken.add(claim)
        result.append(Element(labels, value))
    return result


_TAKEN = {
    True: (
        "Several series on the left match one on the right; say so with group_left or group_right."
    ),
    False: "The labels of group_left or group_right do not make the results distinct.",
}


def _partners(single: Vector, matching: Matching) -> dict[Labels, Element]:
    partners: dict[Labels, Element] = {}
    for element in single:
        key = matching.key(element.labels)
        if key in partners:
            raise EvaluationFailed(
                f"Several series match {dict(key)} on the side that may have only one: "
                f"{dict(partners[key].labels)} and {dict(element.labels)}."
            )
        partners[key] = element
    return partners


def _result_labels(
    operation: Operation, many: Labels, single: Labels, matching: Matching
) -> Labels:
    labels = without_name(many) if operation.drops_name else many
    if matching.many is Many.NEITHER:
        chosen = keep if matching.on else drop
        return chosen(labels, matching.labels)
    if matching.include:
        return changed(labels, {name: value_of(single, name) for name in matching.include})
    return labels


def sets(symbol: str, left: Vector, right: Vector, matching: Matching) -> Vector:
    """Return ``left and right``, ``left or right`` or ``left unless right``."""
    if symbol == "or":
        known = {matching.key(element.labels) for element in left}
        return left + [element for element in right if matching.key(element.labels) not in known]
    known = {matching.key(element.labels) for element in right}
    keep_known = symbol == "and"
    return [element for element in left if (matching.key(element.labels) in known) == keep_known]
