"""Decides if a check can prove that a repair worked.

A check that also holds without traffic or without data proves nothing.
"""

from trimtab.monitoring.checks import compile_check
from trimtab.monitoring.errors import ExpressionRefused
from trimtab.monitoring.labels import METRIC_NAME, Labels, labels_of
from trimtab.monitoring.promql.evaluator import Expression
from trimtab.monitoring.promql.selectors import Selector
from trimtab.monitoring.series import SeriesStore

_STEP_MS = 60_000
_SAMPLES = 180
_COUNTERS = ("_total", "_count", "_sum", "_bucket")


def check_proof(text: str, hold_seconds: float, give_up_seconds: float) -> None:
    """Return when the expression may be a runbook's verify.

    Args:
        text: The PromQL comparison.
        hold_seconds: How long it must hold.
        give_up_seconds: When the repair is given up.

    Raises:
        ExpressionRefused: It holds without data or on a service that does nothing, or it looks back
        so far that what
            was before the repair keeps it from holding until the repair is given up.
    """
    expression = compile_check(text)
    selectors = expression.judgement.selectors if expression.judgement else ()
    if _holds(expression, SeriesStore(retention_seconds=86_400)):
        raise ExpressionRefused(text, "it holds on an empty database, so it proves nothing")
    if _holds(expression, _idle(selectors)):
        raise ExpressionRefused(
            text,
            "it holds on a service that does nothing, so it proves nothing; add that something was"
            " done, such as `and on() sum(increase(answers_given_total[1m])) > 0`",
        )
    longest = max((selector.range_ms for selector in selectors), default=0) / 1000
    if longest + hold_seconds > give_up_seconds:
        raise ExpressionRefused(
            text,
            f"it looks back {longest:g} s and must hold for {hold_seconds:g} s, but the repair is"
            f" given up after {give_up_seconds:g} s; look back less, or give up later",
        )


def _holds(expression: Expression, store: SeriesStore) -> bool:
    return bool(expression.evaluate(store, _STEP_MS * (_SAMPLES - 1)))


def _idle(selectors: tuple[Selector, ...]) -> SeriesStore:
    """Return the samples of an idle service: constant counters, no gauges."""
    store = SeriesStore(retention_seconds=86_400)
    counters: dict[Labels, float] = {}
    for selector in selectors:
        name = selector.selection.metric or ""
        if selector.counter or name.endswith(_COUNTERS):
            counters[labels_of({**dict(selector.equalities), METRIC_NAME: name})] = 7.0
    for number in range(_SAMPLES):
        store.append("idle", number * _STEP_MS, list(counters.items()))
    return store
