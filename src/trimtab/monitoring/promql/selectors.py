"""Selectors: which series, at which instant or in which range."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from promql_parser import Matcher, MatchOp, MatrixSelector, VectorSelector

from trimtab.monitoring.errors import ExpressionRefused
from trimtab.monitoring.labels import METRIC_NAME, Labels, labels_of
from trimtab.monitoring.promql.coverage import covers
from trimtab.monitoring.promql.patterns import compile_anchored
from trimtab.monitoring.promql.ranges import TimeRange
from trimtab.monitoring.promql.values import Instant
from trimtab.monitoring.series import Latest, SampleWindow, Selection

Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Selector:
    """A vector or range selector, ready to be asked."""

    selection: Selection
    offset_ms: int
    range_ms: int
    """0 for a vector selector."""
    equalities: Labels
    """The labels that ``absent`` gives its result: those matched by ``=``, once each."""
    needs_cover: bool = False
    """True for a range that says something about all of its time."""
    counter: bool = False
    """True for a range of a counter, which has counted nothing before it was exported."""

    def latest(self, instant: Instant) -> list[Latest]:
        """Return the newest sample of each selected series."""
        return instant.store.latest(self.selection, instant.at_ms - self.offset_ms, instant.cost)

    def span(self, instant: Instant) -> TimeRange:
        """Return the range that is looked at."""
        end = instant.at_ms - self.offset_ms
        return TimeRange(end - self.range_ms, end, instant.at_ms)

    def windows(self, instant: Instant) -> list[SampleWindow]:
        """Return the samples of each selected series in the range."""
        span = self.span(instant)
        found = instant.store.window(self.selection, span.start_ms, span.end_ms, instant.cost)
        if instant.tolerance_ms is None or not self.needs_cover:
            return found
        return [w for w in found if covers(w, span, instant.tolerance_ms, counter=self.counter)]


def compile_selector(expression: str, node: VectorSelector | MatrixSelector) -> Selector:
    """Return the selector.

    Raises:
        ExpressionRefused: It uses ``@``, ``or`` between matchers, or a pattern that is not
        portable.
    """
    inner: Any = node.vector_selector if isinstance(node, MatrixSelector) else node
    if inner.at is not None:
        raise ExpressionRefused(expression, "the @ modifier is not supported", unsupported=True)
    if inner.matchers.or_matchers:
        raise ExpressionRefused(expression, "Prometheus has no `or` between matchers")
    name, matchers = _name(inner)
    tests = tuple((matcher.name, _test(expression, matcher)) for matcher in matchers)
    return Selector(
        selection=Selection(name, tests),
        offset_ms=_milliseconds(inner.offset),
        range_ms=_milliseconds(node.range) if isinstance(node, MatrixSelector) else 0,
        equalities=_equalities(matchers),
    )


def _name(node: VectorSelector) -> tuple[str | None, list[Matcher]]:
    matchers = list(node.matchers.matchers)
    if node.name:
        return node.name, matchers
    for matcher in matchers:
        if matcher.name == METRIC_NAME and matcher.op == MatchOp.Equal:
            return matcher.value, [other for other in matchers if other is not matcher]
    return None, matchers


def _test(expression: str, matcher: Matcher) -> Test:
    value = matcher.value
    if matcher.op == MatchOp.Equal:
        return lambda found: found == value
    if matcher.op == MatchOp.NotEqual:
        return lambda found: found != value
    fullmatch = compile_anchored(expression, value).fullmatch
    if matcher.op == MatchOp.Re:
        return lambda found: fullmatch(found) is not None
    return lambda found: fullmatch(found) is None


def _equalities(matchers: list[Matcher]) -> Labels:
    labels: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in matchers:
        if matcher.name == METRIC_NAME:
            continue
        if matcher.op == MatchOp.Equal and matcher.name not in seen:
            labels[matcher.name] = matcher.value
            seen.add(matcher.name)
        else:
            labels.pop(matcher.name, None)
    return labels_of(labels)


def _milliseconds(duration: timedelta | None) -> int:
    return 0 if duration is None else round(duration / timedelta(milliseconds=1))
