"""Key metrics of the overview, from PromQL over the last minutes."""

from dataclasses import dataclass

from trimtab.console.charts import Spark, spark
from trimtab.kernel.clock import Clock
from trimtab.monitoring.errors import EvaluationFailed
from trimtab.monitoring.promql.evaluator import Expression, compile_expression
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import Samples

_POINTS = 61
_SPANS_MINUTES = (30, 10, 5)
"""Time ranges of the charts; the longest one that the samples cover is used."""
_UP = compile_expression("up")


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric with its limits."""

    title: str
    unit: str
    expression: Expression
    good_below: float | None = None
    good_above: float | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A metric with its present value and chart."""

    figure: Figure
    value: float | None
    spark: Spark | None

    @property
    def mood(self) -> str:
        """Return ``good``, ``bad``, or an empty text without a value or limit."""
        if self.value is None:
            return ""
        below, above = self.figure.good_below, self.figure.good_above
        if below is None and above is None:
            return ""
        bad = (below is not None and self.value >= below) or (
            above is not None and self.value <= above
        )
        return "bad" if bad else "good"


def _figure(title: str, unit: str, text: str, **limits: float) -> Figure:
    return Figure(title, unit, compile_expression(text), **limits)


FIGURES = (
    _figure("Search, slowest 5 %", "ms", "kb_query_p95_latency_seconds * 1000", good_below=500),
    _figure("Requests", "per min", "sum(rate(http_requests_total[1m])) * 60"),
    _figure("Errors (5xx)", "%", "http_error_rate_ratio * 100", good_below=1),
    _figure("Cache hit ratio", "%", "kb_query_cache_hit_ratio * 100", good_above=50),
    _figure("Documents waiting", "", "knowledge_documents_queued", good_below=1),
    _figure("Memory", "MB", "process_resident_memory_bytes / 1048576"),
)
"""Limits of the contract: 500 ms, 1 % errors, a cache hit ratio of one half."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """All metrics over the same time range."""

    figures: tuple[Drawn, ...]
    minutes: int


def draw(store: Samples, clock: Clock) -> Drawing:
    """Return every metric with its chart over the last minutes."""
    now = milliseconds(clock.now())
    reach = (m for m in _SPANS_MINUTES if _value(_UP, store, now - m * 60_000) is not None)
    minutes = next(reach, _SPANS_MINUTES[-1])
    step = minutes * 60_000 // (_POINTS - 1)
    # Whole steps, so that the lines stand still between two refreshes.
    instants = [(now // step - back) * step for back in reversed(range(_POINTS))]
    drawn = []
    for figure in FIGURES:
        values = [_value(figure.expression, store, at) for at in instants]
        drawn.append(Drawn(figure, _value(figure.expression, store, now), spark(values)))
    return Drawing(tuple(drawn), minutes)


def _value(expression: Expression, store: Samples, at_ms: int) -> float | None:
    try:
        found = expression.evaluate(store, at_ms)
    except EvaluationFailed:
        return None
    return found[0].value if found else None
