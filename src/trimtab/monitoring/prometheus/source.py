"""Three-valued checks on a Prometheus server: what is missing is unknown, never healthy."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    ParenExpr,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
    parse,
)

from trimtab.kernel.errors import Unavailable
from trimtab.monitoring.errors import EvaluationFailed, ExpressionRefused
from trimtab.monitoring.prometheus.client import PrometheusClient, RangeSeries, Sampled

_MAX_SELECTORS = 20
_EXPECTS_ABSENCE = frozenset({"absent", "absent_over_time"})
"""Their argument is expected to be missing."""


@dataclass(frozen=True, slots=True)
class SourceJudgement:
    """Result of a check on the server."""

    holds: bool | None
    reason: str = ""
    samples: tuple[Sampled, ...] = ()


class PrometheusSource:
    """Judges expressions on a server.

    Args:
        client: Asks the server.
    """

    def __init__(self, client: PrometheusClient) -> None:
        self._client = client

    def judge(self, expression: str, now: datetime) -> SourceJudgement:
        """Return whether the comparison holds; unknown when part of its series is missing.

        An empty result means that the comparison does not hold, if the server has samples of each
        selector; a selector without samples makes it unknown. So do warnings of the server, which
        it gives when a part of its data was not reached, and a server that does not answer.

        Raises:
            ExpressionRefused: The server does not accept it.
        """
        try:
            answer = self._client.query(expression, now)
            if answer.warnings:
                return SourceJudgement(None, f"the answer is partial: {answer.warnings[0]}")
            missing = self._missing(expression, now)
        except (Unavailable, EvaluationFailed) as error:
            return SourceJudgement(None, error.message)
        if missing:
            return SourceJudgement(None, f"no samples of {missing}")
        return SourceJudgement(bool(answer.elements), samples=answer.elements)

    def history(
        self, expression: str, end: datetime, window: timedelta, step_seconds: float = 60.0
    ) -> tuple[RangeSeries, ...]:
        """Return the series of an expression over the window before an instant.

        Raises:
            PrometheusUnavailable: There is no usable answer, or only a part of the data.
            ExpressionRefused, EvaluationFailed: The server does not accept or evaluate it.
        """
        found = self._client.query_range(expression, end - window, end, step_seconds)
        if found.warnings:
            raise EvaluationFailed(f"The answer is partial: {found.warnings[0]}.")
        return found.series

    def _missing(self, expression: str, now: datetime) -> str:
        """Return the first selector without samples; empty when each has some."""
        for selector in selectors_of(expression):
            found = self._client.query(f"count({selector})", now)
            if found.warnings or not found.elements:
                return selector
        return ""


@lru_cache(maxsize=512)
def selectors_of(expression: str) -> tuple[str, ...]:
    """Return expressions that have a result as long as there are samples to evaluate on.

    Raises:
        ExpressionRefused: It does not parse, or has too many selectors.
    """
    try:
        tree = parse(expression)
    except ValueError as error:
        raise ExpressionRefused(expression, str(error).strip()[:300]) from error
    found = tuple(dict.fromkeys(_selectors(tree)))
    if len(found) > _MAX_SELECTORS:
        raise ExpressionRefused(expression, f"it has more than {_MAX_SELECTORS} selectors")
    return found


def _selectors(node: Expr) -> Iterator[str]:
    match node:
        case VectorSelector():
            yield node.prettify().strip()
        case MatrixSelector():
            yield f"last_over_time({node.prettify().strip()})"
        case Call() if node.func.name in _EXPECTS_ABSENCE:
            return
        case Call():
            for argument in node.args:
                yield from _selectors(argument)
        case BinaryExpr():
            yield from _selectors(node.lhs)
            yield from _selectors(node.rhs)
        case AggregateExpr() | ParenExpr() | UnaryExpr() | SubqueryExpr():
            yield from _selectors(node.expr)
        case _:
            return
