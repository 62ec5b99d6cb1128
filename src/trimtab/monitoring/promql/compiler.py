"""Compiles the parser's tree into closures that evaluate it."""

import operator
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NoReturn

from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    LabelModifierType,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    StringLiteral,
    UnaryExpr,
    ValueType,
    VectorMatchCardinality,
    VectorSelector,
)

from trimtab.monitoring.errors import ExpressionRefused
from trimtab.monitoring.promql import aggregations
from trimtab.monitoring.promql.binary import (
    ARITHMETIC,
    COMPARISONS,
    SET_OPERATORS,
    Many,
    Matching,
    Operation,
    scalars,
    sets,
    vector_scalar,
    vectors,
)
from trimtab.monitoring.promql.calls import CALLS, SCALAR_CALLS, unwrapped
from trimtab.monitoring.promql.coverage import COUNTERS, NEWEST_ONLY
from trimtab.monitoring.promql.functions import each
from trimtab.monitoring.promql.selectors import Selector, compile_selector
from trimtab.monitoring.promql.values import (
    Element,
    Instant,
    ScalarNode,
    Vector,
    VectorNode,
    distinct,
)

MAX_SELECTORS = 100
"""Of one expression; each of them may read as many series as there are."""


def is_scalar(node: Expr) -> bool:
    """Tell whether the expression is a number, not a vector of them."""
    match node:
        case NumberLiteral():
            return True
        case ParenExpr() | UnaryExpr():
            return is_scalar(node.expr)
        case BinaryExpr():
            return is_scalar(node.lhs) and is_scalar(node.rhs)
        case Call():
            return bool(node.func.return_type == ValueType.Scalar)
        case _:
            return False


class Compiler:
    """Compiles one expression; ``metrics`` and ``selectors`` gather what it reads.

    Args:
        expression: The whole text, for the messages.
    """

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.metrics: set[str] = set()
        self.selectors: list[Selector] = []

    def refuse(self, reason: str) -> NoReturn:
        """Raise the refusal of something that Prometheus has and trimtab has not."""
        raise ExpressionRefused(self.expression, reason, unsupported=True)

    def scalar(self, node: Expr) -> ScalarNode:
        """Compile a part whose value is one number."""
        match node:
            case NumberLiteral():
                number = float(node.val)
                return lambda _: number
            case ParenExpr():
                return self.scalar(node.expr)
            case UnaryExpr():
                inner = self.scalar(node.expr)
                return lambda instant: -inner(instant)
            case BinaryExpr():
                operation = self._operation(node)
                left, right = self.scalar(node.lhs), self.scalar(node.rhs)
                return lambda instant: scalars(operation, left(instant), right(instant))
            case Call() if node.func.name in SCALAR_CALLS:
                return SCALAR_CALLS[node.func.name](self, node.args)
            case _:
                return self._no_value(node)

    def vector(self, node: Expr) -> VectorNode:
        """Compile a part whose value is an instant vector."""
        return _charged(self._vector(unwrapped(node)))

    def _vector(self, node: Expr) -> VectorNode:
        match node:
            case VectorSelector():
                return _newest(self.selector(node))
            case UnaryExpr():
                inner = self.vector(node.expr)
                return lambda instant: distinct(each(operator.neg, inner(instant)))
            case AggregateExpr():
                return self._aggregation(node)
            case BinaryExpr():
                return self._binary(node)
            case Call() if node.func.name in CALLS:
                return CALLS[node.func.name](self, node.args)
            case _:
                return self._no_value(node)

    def _no_value(self, node: Expr) -> NoReturn:
        match node:
            case Call():
                self.refuse(f"the function {node.func.name}() is not supported")
            case MatrixSelector():
                raise ExpressionRefused(self.expression, "a range has no value without a function")
            case StringLiteral():
                raise ExpressionRefused(self.expression, "a text is not a value")
            case _:
                self.refuse("subqueries are not supported")

    def selector(self, node: VectorSelector | MatrixSelector) -> Selector:
        """Compile a selector and remember the metric that it names."""
        return self._add_selector(compile_selector(self.expression, node))

    def _add_selector(self, selector: Selector) -> Selector:
        self.selectors.append(selector)
        if len(self.selectors) > MAX_SELECTORS:
            self.refuse(f"it has more than {MAX_SELECTORS} selectors")
        if selector.selection.metric is not None:
            self.metrics.add(selector.selection.metric)
        return selector

    def compile_range(self, node: Expr, function: str) -> Selector:
        """Compile the range selector that a range function was given."""
        node = unwrapped(node)
        if not isinstance(node, MatrixSelector):
            self.refuse("subqueries are not supported")
        selector = compile_selector(self.expression, node)
        needs_cover = function not in NEWEST_ONLY
        return self._add_selector(
            replace(selector, needs_cover=needs_cover, counter=function in COUNTERS)
        )

    def _aggregation(self, node: AggregateExpr) -> VectorNode:
        name = str(node.op)
        grouping, parameter = _grouping(node), node.param
        inner = self.vector(node.expr)
        if name in aggregations.PLAIN:
            reduce = aggregations.PLAIN[name]
            return lambda instant: aggregations.aggregate(reduce, inner(instant), grouping)
        if isinstance(parameter, StringLiteral):  # Only count_values takes a text.
            label = parameter.val
            return lambda instant: aggregations.count_values(label, inner(instant), grouping)
        sized: dict[str, Callable[..., list[Element]]] = {
            "topk": partial(aggregations.first, descending=True),
            "bottomk": partial(aggregations.first, descending=False),
            "quantile": aggregations.quantiles,
        }
        if name not in sized or parameter is None:
            self.refuse(f"the aggregation {name} is not supported")
        select, size = sized[name], self.scalar(parameter)
        return lambda instant: select(size(instant), inner(instant), grouping)

    def _operation(self, node: BinaryExpr) -> Operation:
        symbol = str(node.op)
        if symbol not in ARITHMETIC and symbol not in COMPARISONS:
            self.refuse(f"the operator {symbol} is not supported")
        return Operation(symbol, as_bool=bool(node.modifier and node.modifier.return_bool))

    def _binary(self, node: BinaryExpr) -> VectorNode:
        symbol = str(node.op)
        if symbol in SET_OPERATORS:
            left, right = self.vector(node.lhs), self.vector(node.rhs)
            matching = self._matching(node)
            return lambda instant: distinct(sets(symbol, left(instant), right(instant), matching))
        if is_scalar(node.lhs) or is_scalar(node.rhs):
            return self._with_scalar(node)
        operation, matching = self._operation(node), self._matching(node)
        left, right = self.vector(node.lhs), self.vector(node.rhs)
        return lambda instant: distinct(vectors(operation, left(instant), right(instant), matching))

    def _with_scalar(self, node: BinaryExpr) -> VectorNode:
        operation = self._operation(node)
        scalar_first = is_scalar(node.lhs)
        vector = self.vector(node.rhs if scalar_first else node.lhs)
        scalar = self.scalar(node.lhs if scalar_first else node.rhs)
        return lambda instant: distinct(
            vector_scalar(operation, vector(instant), scalar(instant), scalar_first=scalar_first)
        )

    def _matching(self, node: BinaryExpr) -> Matching:
        modifier = node.modifier
        if modifier is None:
            return Matching()
        if modifier.fill_values.lhs is not None or modifier.fill_values.rhs is not None:
            self.refuse("fill() is not supported")
        many = Many.NEITHER
        if modifier.card == VectorMatchCardinality.ManyToOne:
            many = Many.LEFT
        elif modifier.card == VectorMatchCardinality.OneToMany:
            many = Many.RIGHT
        given = modifier.matching
        return Matching(
            on=given is not None and given.type == LabelModifierType.Include,
            labels=frozenset(given.labels if given is not None else ()),
            many=many,
            include=tuple(modifier.group_labels or ()),
        )


def _charged(node: VectorNode) -> VectorNode:
    """Count each part's results, so that an expression of many cheap parts ends in time, too."""

    def run(instant: Instant) -> Vector:
        found = node(instant)
        instant.cost.add_samples(len(found))
        return found

    return run


def _newest(selector: Selector) -> VectorNode:
    return lambda instant: [
        Element(found.labels, found.value) for found in selector.latest(instant)
    ]


def _grouping(node: AggregateExpr) -> aggregations.Grouping:
    modifier = node.modifier
    if modifier is None:
        return aggregations.by([])
    make = aggregations.by if modifier.type == AggModifierType.By else aggregations.without
    return make(list(modifier.labels))
