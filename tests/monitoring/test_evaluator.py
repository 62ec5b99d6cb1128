import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.monitoring.samples import named
from trimtab.monitoring.errors import EvaluationFailed, ExpressionRefused
from trimtab.monitoring.promql.evaluator import MAX_LENGTH, compile_expression
from trimtab.monitoring.series import SeriesStore


@pytest.mark.parametrize(
    "text",
    [
        "",
        "heat{",
        "heat[5m]",
        "heat[5m:1m]",
        '"text"',
        "rate(heat)",
        "heat and 1",
        "1 > 2",
        "(" * 61 + "heat" + ")" * 61,
        "-" * 2000 + "heat",
        "+".join(["heat"] * 700),
        "heat" + " " * MAX_LENGTH,
        'heat{a="1" or b="2"}',
    ],
)
def test_what_is_not_promql_is_refused(text):
    with pytest.raises(ExpressionRefused) as caught:
        compile_expression(text)
    assert len(caught.value.message) < 300 + MAX_LENGTH
    assert caught.value.hint()


@given(st.text(alphabet="ab(){}[]5m,+-*/^%<>=! \"'~:@#.\\_onrtsum", max_size=60))
def test_no_text_breaks_the_compiler(text):
    with contextlib.suppress(ExpressionRefused, EvaluationFailed):
        compile_expression(text).evaluate(SeriesStore(), 0)


def test_an_expression_knows_the_metrics_that_it_names():
    text = 'rate(a[1m]) / {__name__="b"} > {__name__=~"c.*"} or absent(d offset 1m)'
    assert compile_expression(text).metrics == {"a", "b", "d"}


def test_a_failure_says_which_series_are_in_the_way():
    store = SeriesStore()
    store.append("s", 1000, [(named("heat", room=room), 1.0) for room in "ab"])
    with pytest.raises(EvaluationFailed, match=r"'room': 'a'.*'room': 'b'"):
        compile_expression("heat * on() heat").evaluate(store, 1000)
