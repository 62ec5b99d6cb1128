"""Functions by name, and how each is compiled from its arguments."""

import re
from collections.abc import Callable
from typing import NoReturn, Protocol

from promql_parser import Expr, MatrixSelector, ParenExpr, StringLiteral, VectorSelector

from trimtab.monitoring.promql import functions
from trimtab.monitoring.promql.aggregations import ordered
from trimtab.monitoring.promql.histogram import histogram_quantile
from trimtab.monitoring.promql.patterns import compile_anchored
from trimtab.monitoring.promql.ranges import (
    RANGE_FUNCTIONS,
    RangeFunction,
    predict_linear,
    quantile_over_time,
)
from trimtab.monitoring.promql.selectors import Selector
from trimtab.monitoring.promql.values import (
    Element,
    Instant,
    ScalarNode,
    Vector,
    VectorNode,
    distinct,
)

Arguments = list[Expr]
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class ArgumentCompiler(Protocol):
    """Port that compiles the arguments of a call."""

    expression: str

    def scalar(self, node: Expr) -> ScalarNode:
        """Compile a number."""
        ...

    def vector(self, node: Expr) -> VectorNode:
        """Compile an instant vector."""
        ...

    def selector(self, node: VectorSelector | MatrixSelector) -> Selector:
        """Compile a selector."""
        ...

    def compile_range(self, node: Expr, function: str) -> Selector:
        """Compile a range selector."""
        ...

    def refuse(self, reason: str) -> NoReturn:
        """Raise the refusal of what is not supported."""
        ...


def unwrapped(node: Expr) -> Expr:
    """Return the expression without its outer parentheses."""
    while isinstance(node, ParenExpr):
        node = node.expr
    return node


def _over_range(name: str) -> Callable[[ArgumentCompiler, Arguments], VectorNode]:
    function = RANGE_FUNCTIONS[name]
    keeps_name = name == "last_over_time"

    def compile_call(parts: ArgumentCompiler, arguments: Arguments) -> VectorNode:
        selector = parts.compile_range(arguments[0], name)
        return lambda instant: _each_window(selector, instant, function, keeps_name=keeps_name)

    return compile_call


def _each_window(
    selector: Selector, instant: Instant, function: RangeFunction, *, keeps_name: bool = False
) -> Vector:
    span = selector.span(instant)
    result = []
    for window in selector.windows(instant):
        value = function(window, span)
        if value is not None:
            result.append(Element(window.labels if keeps_name else window.nameless, value))
    return distinct(result)


def _quantile_over_time(parts: ArgumentCompiler, arguments: Arguments) -> VectorNode:
    q = parts.scalar(arguments[0])
    selector = parts.compile_range(arguments[1], "quantile_over_time")

    def run(instant: Instant) -> Vector:
        at = q(instant)
        return _each_window(
            selector, instant, lambda window, span: quantile_over_time(window, span, at)
        )

    return run


def _predict_linear(parts: ArgumentCompiler, arguments: Arguments) -> VectorNode:
    selector = parts.compile_range(arguments[0], "predict_linear")
    seconds = parts.scalar(arguments[1])

    def run(instant: Instant) -> Vector:
        ahead = seconds(instant)
        return _each_window(
            selector, instant, lambda window, span: predict_linear(window, span, ahead)
        )

    return run


def _absent_over_time(parts: ArgumentCompiler, arguments: Arguments) -> VectorNode:
    selector = parts.compile_range(arguments[0], "absent_over_time")
    labels = selector.equalities
    return lambda instant: [] if selector.windows(instant) else [Element(labels, 1.0)]


def _absent(parts: ArgumentCompiler, arguments: Arguments) -> VectorNode:
    node = unwrapped(arguments[0])
    labels = parts.selector(node).equalities if isinstance(node, VectorSelector) else ()
    inner = parts.vector(node)
    return lambda instant: [] if inner(instant) else [Element(labels, 1.0)]


def _elementwise(name: str) -> Callable[[ArgumentCompiler, Arguments], VectorNode]:
    function = functions.EACH[name]

    def compile_call(parts: ArgumentCompiler, arguments: Arguments) -> VectorNode:
        inner = parts.vector(arguments[0])
        return lambda instant: distinct(functions.each(function, inner(instant)))

    return compile_call


def _with_number(
    function: Callable[[float, float], float], default: float | None = None
) -> Callable[[ArgumentCompiler, Arguments], VectorNode]:
    def compile_call(parts: ArgumentCompiler, arguments: Arguments) -> VectorNode:
        inner = parts.vector(arguments[0])
        if default is not None and len(arguments) == 1:
            return lambda instant: distinct(functions.each(function, inner(instant), default))
        number = parts.scalar(arguments[1])
        return lambda instant: distinct(functions.each(function, inner(instant), number(instant)))

    return compile_call


def _clamp(parts: ArgumentCompiler, arguments: Arguments) -> VectorNode:
    inner = parts.vector(arguments[0])
    low, high = parts.scalar(arguments[1]), parts.scalar(arguments[2])
    return lambda instant: distinct(functions.clamped(inner(instant), low(instant), high(instant)))


def _sorted(*, descending: bool) -> Callable[[ArgumentCompiler, Arguments], VectorNode]:
    def compile_call(parts: ArgumentCompiler, arguments: Arguments) -> VectorNode:
        inner = parts.vector(arguments[0])
        return lambda instant: ordered(inner(instant), descending=descending)

    return compile_call


def _histogram_quantile(parts: ArgumentCompiler, arguments: Arguments) -> VectorNode:
    q, inner = parts.scalar(arguments[0]), parts.vector(arguments[1])
    return lambda instant: histogram_quantile(q(instant), inner(instant))


def _vector(parts: ArgumentCompiler, arguments: Arguments) -> VectorNode:
    inner = parts.scalar(arguments[0])
    return lambda instant: [Element((), inner(instant))]


def _timestamp(parts: ArgumentCompiler, arguments: Arguments) -> VectorNode:
    node = unwrapped(arguments[0])
    if not isinstance(node, VectorSelector):
        inner = parts.vector(node)
        return lambda instant: distinct(
            functions.each(lambda _: instant.at_ms / 1000, inner(instant))
        )
    selector = parts.selector(node)
    return lambda instant: distinct(
        functions.each(
            lambda seconds: seconds,
            [Element(found.labels, found.at_ms / 1000) for found in selector.latest(instant)],
        )
    )


def _label_replace(parts: ArgumentCompiler, arguments: Arguments) -> VectorNode:
    inner = parts.vector(arguments[0])
    target, replacement, source, text = (_text(argument) for argument in arguments[1:])
    _check_label(parts, target)
    _check_label(parts, source)
    pattern = compile_anchored(parts.expression, text)
    return lambda instant: distinct(
        functions.label_replaced(inner(instant), target, replacement, source, pattern)
    )


def _label_join(parts: ArgumentCompiler, arguments: Arguments) -> VectorNode:
    inner = parts.vector(arguments[0])
    target, separator, *sources = (_text(argument) for argument in arguments[1:])
    for label in (target, *sources):
        _check_label(parts, label)
    return lambda instant: distinct(
        functions.label_joined(inner(instant), target, separator, sources)
    )


def _text(node: Expr) -> str:
    node = unwrapped(node)
    # The parser has checked the argument types.
    assert isinstance(node, StringLiteral)  # noqa: S101
    return str(node.val)


def _check_label(parts: ArgumentCompiler, name: str) -> None:
    if not _LABEL.fullmatch(name):
        parts.refuse(f"{name!r} is not a label name")


def _scalar(parts: ArgumentCompiler, arguments: Arguments) -> ScalarNode:
    inner = parts.vector(arguments[0])
    return lambda instant: functions.sole_value(inner(instant))


def _time(_parts: ArgumentCompiler, _arguments: Arguments) -> ScalarNode:
    return lambda instant: instant.at_ms / 1000


SCALAR_CALLS: dict[str, Callable[[ArgumentCompiler, Arguments], ScalarNode]] = {
    "scalar": _scalar,
    "time": _time,
}
"""Functions whose value is one number."""

CALLS: dict[str, Callable[[ArgumentCompiler, Arguments], VectorNode]] = {
    **{name: _over_range(name) for name in RANGE_FUNCTIONS},
    **{name: _elementwise(name) for name in functions.EACH},
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "clamp": _clamp,
    "clamp_max": _with_number(functions.at_most),
    "clamp_min": _with_number(functions.at_least),
    "histogram_quantile": _histogram_quantile,
    "label_join": _label_join,
    "label_replace": _label_replace,
    "predict_linear": _predict_linear,
    "quantile_over_time": _quantile_over_time,
    "round": _with_number(functions.rounded, default=1.0),
    "sort": _sorted(descending=False),
    "sort_desc": _sorted(descending=True),
    "timestamp": _timestamp,
    "vector": _vector,
}
"""Functions whose value is an instant vector."""
