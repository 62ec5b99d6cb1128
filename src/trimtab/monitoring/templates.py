"""The part of Prometheus' template language that labels and annotations need.

``{{ $value }}``, ``{{ $labels.name }}``, ``{{ printf "%.2f" $value }}`` and pipes into
``humanize``, ``humanize1024``, ``humanizeDuration``, ``humanizePercentage`` and ``printf``.
Everything else is refused when the rule is loaded.
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
_VALUES = frozenset({"$value", ".Value"})
_PRINTF = re.compile(r'printf\s+"((?:[^"\\]|\\["\\nt])*)"(?:\s+(\S+))?')
_VERB = re.compile(r"%(?:%|\.\d+[feg]|f|e)")
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
    first, *pipes = _pipeline(action)
    label = _LABEL.fullmatch(first)
    if label and not pipes:
        name = label[1]
        return lambda labels, _: value_of(labels, name)
    if first in _VALUES:
        render = _format(pipes[0]) if pipes else go_number
    else:
        function, _, operand = first.rpartition(" ")
        render = _format(first if first.startswith("printf") else function.strip())
        if operand not in _VALUES:
            raise _refusal(action)
        pipes = ["", *pipes]
    if len(pipes) > 1:
        raise _refusal(action)
    return lambda _, value: render(value)


def _pipeline(action: str) -> list[str]:
    """Split at the bars that are not inside a quoted text."""
    pieces = action.split('"')
    if len(pieces) % 2 == 0:  # A quote that is not closed: refused as a whole.
        return [action]
    parts = [""]
    for number, piece in enumerate(pieces):
        if number % 2:
            parts[-1] += f'"{piece}"'
            continue
        first, *more = piece.split("|")
        parts[-1] += first
        parts += more
    return [part.strip() for part in parts]


def _format(function: str) -> Callable[[float], str]:
    if function in _FORMATS:
        return _FORMATS[function]
    printf = _PRINTF.fullmatch(function)
    if printf is None:
        raise _refusal(function)
    verbs = re.findall(r"%.?", _VERB.sub(lambda verb: "" if verb[0] == "%%" else "V", printf[1]))
    count = sum(verb[0] != "%%" for verb in _VERB.finditer(printf[1]))
    if verbs or count != 1:
        raise _refusal(function)
    pattern = re.sub(
        r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), printf[1]
    )
    return lambda value: _VERB.sub(
        lambda verb: "%" if verb[0] == "%%" else _digits(verb[0], value), pattern
    )


def _refusal(what: str) -> TemplateRefused:
    return TemplateRefused(f"The template {{{{ {what} }}}} is not supported.")


def _digits(verb: str, value: float) -> str:
    return verb % value if math.isfinite(value) else go_number(value)


def go_number(value: float) -> str:
    """Write a number as Go's templates do: the shortest digits that give it back."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    decimal = Decimal(repr(value)).normalize()
    exponent = decimal.adjusted()
    if value and not -4 <= exponent < _GO_EXPONENT_FROM:
        digits = "".join(str(digit) for digit in decimal.as_tuple().digits)
        mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
        sign, exponent_sign = "-" if value < 0 else "", "-" if exponent < 0 else "+"
        return f"{sign}{mantissa}e{exponent_sign}{abs(exponent):02d}"
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


def _humanize(value: float) -> str:
    if value == 0 or not math.isfinite(value):
        return _digits("%.4g", value)
    return _with_prefix(value, 1000, "kMGTPEZY") if abs(value) >= 1 else _small(value)


def _humanize_1024(value: float) -> str:
    if abs(value) <= 1 or not math.isfinite(value):
        return _digits("%.4g", value)
    text = _with_prefix(value, 1024, "kMGTPEZY")
    return text + "i" if text[-1].isalpha() else text


def _with_prefix(value: float, step: int, prefixes: str) -> str:
    prefix = ""
    for larger in prefixes:
        if abs(value) < step:
            break
        prefix, value = larger, value / step
    return f"{_digits('%.4g', value)}{prefix}"


def _small(value: float) -> str:
    prefix = ""
    for smaller in "munpfazy":
        if abs(value) >= 1:
            break
        prefix, value = smaller, value * 1000
    return f"{_digits('%.4g', value)}{prefix}"


def _humanize_duration(seconds: float) -> str:
    if not math.isfinite(seconds):
        return go_number(seconds)
    if abs(seconds) < 1:
        return f"{_small(seconds) if seconds else _digits('%.4g', seconds)}s"
    sign, whole = ("-" if seconds < 0 else ""), int(abs(seconds))
    minutes, hours, days = whole // 60 % 60, whole // 3600 % 24, whole // 86400
    if not (days or hours or minutes):
        return f"{sign}{abs(seconds):.4g}s"
    units = [(days, "d"), (hours, "h"), (minutes, "m"), (whole % 60, "s")]
    while not units[0][0]:
        del units[0]
    return sign + " ".join(f"{amount}{unit}" for amount, unit in units)


def _humanize_percentage(ratio: float) -> str:
    return f"{_digits('%.4g', ratio * 100)}%"


_FORMATS: dict[str, Callable[[float], str]] = {
    "humanize": _humanize,
    "humanize1024": _humanize_1024,
    "humanizeDuration": _humanize_duration,
    "humanizePercentage": _humanize_percentage,
}
