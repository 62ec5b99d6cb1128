"""PromQL: text to a checked, runnable expression.

`compile_expression` parses with ``promql-parser`` and turns the tree into closures. Everything that
can be refused is refused here, so that an expression which has been compiled fails later only where
Prometheus fails, too.
"""

from dataclasses import dataclass

import promql_parser as promql

from trimtab.monitoring.cost import Cost
from trimtab.monitoring.errors import ExpressionRefused
from trimtab.monitoring.promql.compiler import Compiler, is_scalar
from trimtab.monitoring.promql.judge import JudgedExpression, compile_judgement
from trimtab.monitoring.promql.values import Element, Instant, Vector, VectorNode
from trimtab.monitoring.series import Samples

MAX_LENGTH = 4000
"""Characters. The parser is recursive; this and the depth keep a hostile text from exhausting the
stack.
"""
MAX_DEPTH = 60
"""Open brackets at any place."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. A scalar is evaluated as a vector of one element without labels."""

    text: str
    metrics: frozenset[str]
    """The metric names that it selects by exact name."""
    filters: bool
    """True when its outermost operator can leave elements out, so that "no result" has a meaning: a
    comparison without ``bool``, a set operator, ``absent`` or ``absent_over_time``.
    """
    run: VectorNode
    judgement: JudgedExpression | None = None
    """How to tell whether it holds; None for what can never be false."""

    def evaluate(self, store: Samples, at_ms: int, cost: Cost | None = None) -> Vector:
        """Return the value at an instant, in milliseconds since 1970.

        Args:
            store: The samples.
            at_ms: The instant.
            cost: Its limits; the default ones when it is left out.

        Raises:
            EvaluationFailed: The samples at that instant do not allow the operation.
            QueryTooExpensive: It reads too much or takes too long.
        """
        return self.run(Instant(store, at_ms, cost or Cost()))


def compile_expression(text: str) -> Expression:
    """Return the expression, ready to be evaluated at any instant.

    Raises:
        ExpressionRefused: The text is not PromQL, is longer or deeper than the limits, or uses what
        is not supported.
    """
    _check_size(text)
    try:
        tree = promql.parse(text)
    except ValueError as error:
        raise ExpressionRefused(text, str(error)) from error
    try:
        return _compiled(text, tree)
    except RecursionError:
        raise ExpressionRefused(text[:80] + "...", "it has too many parts") from None


def _compiled(text: str, tree: promql.Expr) -> Expression:
    compiler = Compiler(text)
    if not is_scalar(tree):
        run = compiler.vector(tree)
        filters = _filters(tree)
        return Expression(
            text,
            frozenset(compiler.metrics),
            filters=filters,
            run=run,
            judgement=compile_judgement(text, tree) if filters else None,
        )
    scalar = compiler.scalar(tree)
    return Expression(
        text,
        frozenset(compiler.metrics),
        filters=False,
        run=lambda instant: [Element((), scalar(instant))],
    )


def _check_size(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise ExpressionRefused(text[:80] + "...", f"it is longer than {MAX_LENGTH} characters")
    depth = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if depth > MAX_DEPTH:
            raise ExpressionRefused(text[:80] + "...", f"it nests deeper than {MAX_DEPTH} brackets")


def _filters(tree: promql.Expr) -> bool:
    if isinstance(tree, promql.ParenExpr):
        return _filters(tree.expr)
    if isinstance(tree, promql.Call):
        return tree.func.name in {"absent", "absent_over_time"}
    if not isinstance(tree, promql.BinaryExpr):
        return False
    symbol = str(tree.op)
    if symbol in {"and", "unless"}:
        return _filters(tree.lhs) or _filters(tree.rhs) or symbol == "unless"
    if symbol == "or":
        return _filters(tree.lhs) and _filters(tree.rhs)
    comparison = symbol in {"==", "!=", ">", "<", ">=", "<="}
    return comparison and not (tree.modifier and tree.modifier.return_bool)
