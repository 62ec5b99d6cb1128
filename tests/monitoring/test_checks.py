import threading
from datetime import timedelta

import pytest

from tests.monitoring.clocks import START, StandingClock
from tests.monitoring.samples import named
from trimtab.monitoring.checks import Hold, HoldOutcome, check, check_for, compile_check
from trimtab.monitoring.errors import ExpressionRefused
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import SeriesStore

HIGH = compile_check("heat > 30")
HOLD = Hold(seconds=20, give_up_seconds=100, step_seconds=5)


def scraped(value_at):
    """Return a store and a clock; each wait of the clock brings a scrape with ``value_at(seconds)``."""
    store = SeriesStore()

    def scrape(seconds):
        value = value_at(seconds)
        if value is not None:
            at = START + timedelta(seconds=seconds)
            store.append("scrape", milliseconds(at), [(named("heat"), value)])

    scrape(0.0)
    return store, StandingClock(on_wait=scrape)


def held(value_at, hold=HOLD):
    store, clock = scraped(value_at)
    return check_for(HIGH, store, hold, clock, threading.Event())


@pytest.mark.parametrize("value", [31.0, 30.0])
def test_a_check_holds_when_the_comparison_leaves_something(value):
    store, clock = scraped(lambda _: value)
    result = check(HIGH, store, clock.now())
    assert result.holds is (value > 30)
    assert result.reason == ""
    assert [element.value for element in result.samples] == [value] * (value > 30)


@pytest.mark.parametrize(
    "text", ["up", "up > bool 1", "1 > bool 0", "sum(up)", "up or up > 1", "-(up > 1)"]
)
def test_what_is_never_false_is_refused_as_a_check(text):
    with pytest.raises(ExpressionRefused, match="never false"):
        compile_check(text)


@pytest.mark.parametrize(
    "text", ["up == 0", "(up == 0)", "a and b > 1", "a unless b", "absent(up)", "a > 1 or b > 1"]
)
def test_what_can_be_false_is_a_check(text):
    assert compile_check(text).filters


def test_an_ambiguous_check_does_not_hold_and_says_why():
    store = SeriesStore()
    store.append("scrape", milliseconds(START), [(named("heat", room=r), 1.0) for r in "ab"])
    result = check(compile_check("heat * on() heat > 0"), store, START)
    assert result.holds is None
    assert "Several series match" in result.reason


def test_a_check_over_time_holds_after_its_hold():
    result = held(lambda _: 31.0)
    assert (result.outcome, result.holds, result.held_seconds) == (HoldOutcome.HELD, True, 20.0)
    assert result.waited_seconds == 20.0


def test_a_break_starts_the_hold_again():
    result = held(lambda seconds: 1.0 if seconds == 15 else 31.0)
    assert (result.outcome, result.waited_seconds) == (HoldOutcome.HELD, 40.0)


def test_a_check_that_never_holds_gives_up():
    result = held(lambda _: 1.0)
    assert (result.outcome, result.waited_seconds) == (HoldOutcome.GAVE_UP, 100.0)


def test_a_check_without_new_samples_never_holds():
    result = held(lambda seconds: 31.0 if seconds == 0 else None)
    assert result.outcome is HoldOutcome.GAVE_UP


def test_a_sample_from_before_the_check_does_not_count():
    store, clock = scraped(lambda seconds: 31.0 if seconds == 0 else 1.0)
    clock.seconds = 3.0
    result = check_for(HIGH, store, Hold(0, 10), clock, threading.Event())
    assert result.outcome is HoldOutcome.GAVE_UP


def test_a_stopped_check_ends_at_once():
    store, clock = scraped(lambda _: 31.0)
    stop = threading.Event()
    stop.set()
    assert check_for(HIGH, store, HOLD, clock, stop).outcome is HoldOutcome.STOPPED
