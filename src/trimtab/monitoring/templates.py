"""The part of Prometheus' template language that labels and annotations need.

``{{ $value }}``, ``{{ $labels.name }}`` and pipes of the value into ``humanizeDuration``,
``humanizePercentage`` and ``printf "%.2f"``, with any number of digits. Everything else is refused
when the rule is loaded.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from trimtab.monitoring.errors import TemplateRefused
from trimtab.monitoring.labels import Labels, value_of

_Part = Callable[[Labels, float], str]
_ACTION = re.compile(r"\{\{((?:(?!\{\{|\}\}).)*+)\}\}", re.DOTALL)
_LABEL = re.compile(r"(?:\$labels|\.Labels)\.([a-zA-Z_][a-zA-Z0-9_]*)")
_PRINTF = re.compile(r'printf "%\.([0-9])f"')
_VALUES = frozenset({"$value", ".Value"})
_GO_EXPONENT_FROM = 6


@dataclass(frozen=True, slots=True)
class Template:
    """A text with places to be filled."""

    text: str
    parts: tuple[_Part, ...]

    def expand(self, labels: Labels, value: float) -> str:
        """Return the text for an element of the rule's result."""
        return "".join(part(labels, value) for part in self.parts)


def compile_template(text: str) -> Template:
    """Return the template, ready to be filled.

    Raises:
        TemplateRefused: It uses something else than described above.
    """
    parts: list[_Part] = []
    end = 0
    for action in _ACTION.finditer(text):
        parts += [_literal(text[end : action.start()]), _action(action[1].strip())]
        end = action.end()
    rest = text[end:]
    if "{{" in rest:
        raise TemplateRefused(f"The template {text!r} has an unclosed {{{{.")
    return Template(text, (*parts, _literal(rest)))


def _literal(text: str) -> _Part:
    return lambda _labels, _value: text


def _action(action: str) -> _Part:
    if label := _LABEL.fullmatch(action):
        name = label[1]
        return lambda labels, _: value_of(labels, name)
    operand, pipe, function = (part.strip() for part in action.partition("|"))
    render = _format(function) if pipe else go_number
    if operand not in _VALUES or render is None:
        raise _refusal(action)
    return lambda _, value: render(value)


def _format(function: str) -> Callable[[float], str] | None:
    if digits := _PRINTF.fullmatch(function):
        decimals = int(digits[1])
        return lambda value: f"{value:.{decimals}f}" if math.isfinite(value) else go_number(value)
    return _FORMATS.get(function)


def _refusal(what: str) -> TemplateRefused:
    return TemplateRefused(f"The template {{{{ {what} }}}} is not supported.")


def _digits(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else go_number(value)


def go_number(value: float) -> str:
    """Write a number as Go's templates do: the shortest digits that give it back."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    decimal = Decimal(repr(value)).normalize()
    if value and not -4 <= decimal.adjusted() < _GO_EXPONENT_FROM:
        return exponent_text(value)
    return format(decimal, "f")


def exponent_text(value: float) -> str:
    """Write a number as Prometheus' API writes an alert's value: ``1e+00``, ``2.5e-01``."""
    if not math.isfinite(value):
        return go_number(value)
    sign, numbers, _ = Decimal(repr(value)).normalize().as_tuple()
    digits = "".join(map(str, numbers))
    exponent = Decimal(repr(value)).adjusted() if value else 0
    mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{'-' if sign else ''}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _small(value: float) -> str:
    prefix = ""
    for smaller in "munpfazy":
        if abs(value) >= 1:
            break
        prefix, value = smaller, value * 1000
    return f"{_digits(value)}{prefix}"


def _humanize_duration(seconds: float) -> str:
    if not math.isfinite(seconds):
        return go_number(seconds)
    if abs(seconds) < 1:
        return f"{_small(seconds) if seconds else _digits(seconds)}s"
    sign, whole = ("-" if seconds < 0 else ""), int(abs(seconds))
    minutes, hours, days = whole // 60 % 60, whole // 3600 % 24, whole // 86400
    if not (days or hours or minutes):
        return f"{sign}{abs(seconds):.4g}s"
    units = [(days, "d"), (hours, "h"), (minutes, "m"), (whole % 60, "s")]
    while not units[0][0]:
        del units[0]
    return sign + " ".join(f"{amount}{unit}" for amount, unit in units)


def _humanize_percentage(ratio: float) -> str:
    return f"{_digits(ratio * 100)}%"


_FORMATS: dict[str, Callable[[float], str]] = {
    "humanizeDuration": _humanize_duration,
    "humanizePercentage": _humanize_percentage,
}
