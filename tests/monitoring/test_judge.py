"""A check holds only on samples that cover what it looks back over; no data is never an answer."""

from datetime import timedelta

import pytest

from tests.monitoring.clocks import START
from tests.monitoring.samples import named
from trimtab.monitoring.checks import check, compile_check
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import SeriesStore

SCRAPE = 5
TOLERANCE = 3 * SCRAPE


def store_of(seconds, start=0, gaps=(), **metrics):
    """Scrape every five seconds; a metric is a value, or a function of the second (None: not there)."""
    store = SeriesStore()
    for second in range(0, seconds + 1, SCRAPE):
        if any(low < second < high for low, high in gaps):
            continue
        batch = [(named("up"), 1.0)]
        for name, value in metrics.items():
            found = value(second) if callable(value) else value
            if found is not None and second >= start:
                batch.append((named(name), float(found)))
        store.append("scrape", milliseconds(START + timedelta(seconds=second)), batch)
    return store


def judged(text, store, seconds):
    found = check(compile_check(text), store, START + timedelta(seconds=seconds), SCRAPE)
    return found.holds, found.reason


@pytest.mark.parametrize(
    ("seconds", "holds"),
    [(0, None), (5, None), (1800 - TOLERANCE - 5, None), (1800 - TOLERANCE, True), (1800, True)],
)
def test_half_an_hour_of_trouble_holds_after_half_an_hour(seconds, holds):
    found, reason = judged("min_over_time(heat[30m]) > 0.5", store_of(seconds, heat=0.9), seconds)
    assert found is holds
    assert (reason == "") is (holds is True)


def test_the_reason_names_the_metric_and_how_much_there_is():
    _, reason = judged("min_over_time(heat[30m]) > 0.5", store_of(300, heat=0.9), 300)
    assert reason == "samples of heat cover 300 s of the 1800 s that it looks back"


@pytest.mark.parametrize(
    "text",
    [
        "rate(c_total[15m]) > 0",
        "increase(c_total[15m]) > 0",
        "resets(c_total[15m]) == 0",
        "delta(c_total[15m]) > 0",
        "deriv(c_total[15m]) > 0",
        "changes(c_total[15m]) > 0",
        "predict_linear(c_total[15m], 60) > 0",
        "quantile_over_time(0.5, c_total[15m]) > 0",
        "avg_over_time(c_total[15m]) > 0",
        "max_over_time(c_total[15m]) > 0",
        "sum_over_time(c_total[15m]) > 0",
        "count_over_time(c_total[15m]) > 0",
        "stddev_over_time(c_total[15m]) > 0",
        "sum(rate(c_total[15m])) > 0 and on() up == 1",
        "up == 1 unless on() sum(rate(c_total[15m])) < 0",
    ],
)
def test_every_function_of_a_range_needs_all_of_it(text):
    counting = {"c_total": lambda second: second}
    assert judged(text, store_of(600, **counting), 600)[0] is None
    assert judged(text, store_of(900, **counting), 900) == (True, "")


@pytest.mark.parametrize("function", ["irate", "idelta", "last_over_time", "present_over_time"])
def test_the_newest_samples_need_no_full_range(function):
    store = store_of(60, c_total=lambda second: second + 1)
    assert judged(f"{function}(c_total[15m]) > 0", store, 60) == (True, "")


def test_a_counter_that_was_not_exported_yet_has_counted_nothing():
    store = store_of(900, start=880, c_total=lambda second: second)
    assert judged("increase(c_total[15m]) > 0", store, 900) == (True, "")
    assert judged("avg_over_time(c_total[15m]) > 0", store, 900)[0] is None


@pytest.mark.parametrize(("until", "holds"), [(255, True), (270, None)])
def test_a_tenth_of_the_range_may_be_without_samples(until, holds):
    # 90 s of 900 s: (170, 255) leaves 165 to 255.
    store = store_of(900, heat=1, gaps=[(165, until)])
    assert judged("min_over_time(heat[15m]) > 0", store, 900)[0] is holds


def test_a_range_whose_newest_samples_are_missing_cannot_be_told():
    store = store_of(900, heat=lambda second: 1 if second <= 880 else None)
    assert judged("min_over_time(heat[15m]) > 0", store, 900)[0] is None
    store = store_of(900, heat=lambda second: 1 if second <= 885 else None)
    assert judged("min_over_time(heat[15m]) > 0", store, 900)[0] is True


def test_series_that_cover_the_range_decide_although_others_are_short():
    store = SeriesStore()
    for second in range(0, 905, 5):
        batch = [(named("heat", room="old"), 0.9)]
        if second >= 800:
            batch.append((named("heat", room="new"), 0.9))
        store.append("scrape", milliseconds(START + timedelta(seconds=second)), batch)
    found = check(
        compile_check("min_over_time(heat[15m]) > 0.5"), store, START + timedelta(seconds=900)
    )
    assert found.holds is True
    assert [dict(one.labels)["room"] for one in found.samples] == ["old"]


@pytest.mark.parametrize(
    "text",
    [
        "heat > 0.5",
        "heat < 0.5",
        "absent(heat)",
        "absent(heat > 0.5)",
        "absent_over_time(heat[5m])",
        "absent(heat) == 1",
        "sum(heat) == 0",
        "up == 1 and on() heat > 0.5",
        "heat > 0.5 or on() nothing > 1",
        "heat offset 1h > 0",
        "count(heat == 0) > 1",
        "sum(increase(heat_total[1m])) == 0",
    ],
)
def test_without_samples_nothing_can_be_told(text):
    holds, reason = judged(text, store_of(300), 300)
    assert holds is None
    assert reason.startswith("no samples of")


@pytest.mark.parametrize(("value", "holds"), [(0.49, True), (0.5, True), (0.51, False)])
def test_the_absence_of_trouble_is_an_answer_where_there_is_data(value, holds):
    assert judged("absent(heat > 0.5)", store_of(60, heat=value), 60) == (holds, "")


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("cold > 1 and on() nothing > 1", False),
        ("nothing > 1 and on() cold > 1", False),
        ("heat > 0 and on() nothing > 1", None),
        ("heat > 0 or on() nothing > 1", True),
        ("cold > 1 or on() nothing > 1", None),
        ("cold > 1 or on() heat > 5", False),
        ("heat > 0 unless on() nothing > 1", True),
        ("heat > 0 unless on() cold < 1", False),
        ("cold > 1 unless on() nothing > 1", False),
        ("nothing > 1 unless on() cold > 1", None),
        ("(heat > 0 and on() cold < 1) or on() nothing > 1", True),
    ],
)
def test_the_operators_join_what_is_known(text, holds):
    assert judged(text, store_of(60, heat=1, cold=0), 60)[0] is holds


def test_a_judgement_never_gives_what_prometheus_does_not():
    """The value stays that of PromQL: what holds here has a result there."""
    store = store_of(900, heat=0.9)
    expression = compile_check("min_over_time(heat[15m]) > 0.5")
    at = START + timedelta(seconds=900)
    assert check(expression, store, at).samples == tuple(
        expression.evaluate(store, milliseconds(at))
    )
