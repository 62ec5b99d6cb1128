"""What "equal to Prometheus" means here."""

import math

from trimtab.monitoring.errors import EvaluationFailed
from trimtab.monitoring.promql.evaluator import compile_expression


def ours(store, expression, at_ms):
    """Return labels and values as `Server.query` does, None for a failure."""
    try:
        return [(e.labels, e.value) for e in compile_expression(expression).evaluate(store, at_ms)]
    except EvaluationFailed:
        return None


def differences(found, real, *, ordered=False):
    """Return what differs, one line each: the same labels, values to 1e-9, and the order where it has a meaning."""
    if found is None or real is None:
        return [] if found is real else [f"ours {_said(found)}, Prometheus {_said(real)}"]
    mine, theirs = dict(found), dict(real)
    wrong = [f"ours lacks {labels}" for labels in theirs.keys() - mine.keys()]
    wrong += [f"only ours has {labels}" for labels in mine.keys() - theirs.keys()]
    wrong += [
        f"{labels}: ours {mine[labels]!r}, Prometheus {theirs[labels]!r}"
        for labels in mine.keys() & theirs.keys()
        if not same(mine[labels], theirs[labels])
    ]
    if ordered and [labels for labels, _ in found] != [labels for labels, _ in real]:
        wrong.append("the order differs")
    return wrong


def same(left, right):
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-12) or left == right


def _said(result):
    return "fails" if result is None else f"returns {result}"
