"""Functions over instant vectors: arithmetic on each element, and on labels."""

import math
import re
from collections.abc import Callable

import numpy as np

from trimtab.monitoring.errors import EvaluationFailed
from trimtab.monitoring.labels import changed, value_of, without_name
from trimtab.monitoring.promql.values import Element, Vector, ieee

MAX_LABEL_LENGTH = 4096
"""Characters of a label's value that an expression makes."""


def _sign(value: float) -> float:
    return value if value == 0 or math.isnan(value) else math.copysign(1.0, value)


def _floor(value: float) -> float:
    return math.copysign(math.floor(value), value) if math.isfinite(value) else value


def _ceil(value: float) -> float:
    # The sign survives, as in Go: 1 / ceil(-0.3) is -Inf.
    return math.copysign(math.ceil(value), value) if math.isfinite(value) else value


EACH: dict[str, Callable[..., float]] = {
    "abs": abs,
    "ceil": _ceil,
    "exp": ieee(math.exp, np.exp),
    "floor": _floor,
    "ln": ieee(math.log, np.log),
    "log10": ieee(math.log10, np.log10),
    "log2": ieee(math.log2, np.log2),
    "sgn": _sign,
    "sqrt": ieee(math.sqrt, np.sqrt),
}
"""Functions of one element's value."""

_divide = ieee(lambda a, b: a / b, np.divide)


def rounded(value: float, nearest: float) -> float:
    """Return the multiple of ``nearest`` that is closest; halves go up."""
    inverse = _divide(1.0, nearest)
    return _divide(_floor(value * inverse + 0.5), inverse)


def at_least(value: float, minimum: float) -> float:
    """Return the larger one; NaN when either is NaN."""
    return math.nan if math.isnan(value) or math.isnan(minimum) else max(minimum, value)


def at_most(value: float, maximum: float) -> float:
    """Return the smaller one; NaN when either is NaN."""
    return math.nan if math.isnan(value) or math.isnan(maximum) else min(maximum, value)


def each(function: Callable[..., float], vector: Vector, *arguments: float) -> Vector:
    """Return the vector without metric names, the function applied to every value."""
    return [
        Element(without_name(element.labels), function(element.value, *arguments))
        for element in vector
    ]


def clamped(vector: Vector, minimum: float, maximum: float) -> Vector:
    """Return the values clamped to the bounds; nothing when the bounds are reversed."""
    if maximum < minimum:
        return []
    return each(lambda value: at_least(at_most(value, maximum), minimum), vector)


def sole_value(vector: Vector) -> float:
    """Return the value of a vector's only element, or NaN."""
    return vector[0].value if len(vector) == 1 else math.nan


_REFERENCE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})", re.ASCII)


def label_replaced(
    vector: Vector, target: str, replacement: str, source: str, pattern: re.Pattern[str]
) -> Vector:
    """Return the vector with ``target`` set where ``source`` matches the pattern."""
    result = []
    for element in vector:
        found = pattern.fullmatch(value_of(element.labels, source))
        if found is None:
            result.append(element)
        else:
            text = _check_length(_expanded(replacement, found))
            result.append(Element(changed(element.labels, {target: text}), element.value))
    return result


def _expanded(template: str, found: re.Match[str]) -> str:
    """Expand ``$1``, ``$name`` and ``${name}`` as Go's ``regexp.Expand`` does."""
    numbered, named = found.groups(), found.groupdict()

    def group(reference: re.Match[str]) -> str:
        name = reference[1] or reference[2]
        if name is None:
            return "$"
        if name.isdigit():
            number = int(name)
            if number == 0:
                return found[0]
            return numbered[number - 1] or "" if number <= len(numbered) else ""
        return named.get(name) or ""

    return _REFERENCE.sub(group, template)


def label_joined(vector: Vector, target: str, separator: str, sources: list[str]) -> Vector:
    """Return the vector with ``target`` set to the joined values of the other labels."""
    result = []
    for labels, value in vector:
        text = _check_length(separator.join(value_of(labels, name) for name in sources))
        result.append(Element(changed(labels, {target: text}), value))
    return result


def _check_length(text: str) -> str:
    """Return the label's value, or raise if it is too long.

    Nested calls could double it at each level.
    """
    if len(text) > MAX_LABEL_LENGTH:
        raise EvaluationFailed(
            f"A label's value would be longer than {MAX_LABEL_LENGTH} characters.",
            hint="Join or replace fewer labels.",
        )
    return text
