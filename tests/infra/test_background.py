"""A background task survives what nobody expected, and says when it last succeeded."""

import logging
import threading
from datetime import timedelta

import pytest

from tests.answers.world import StillClock
from trimtab.infra.background import PeriodicTask, TaskFinished, Worker, background_signals
from trimtab.kernel.clock import SystemClock


class Boom(Exception):
    """An error that no code expects."""


class SteppingClock(StillClock):
    """A clock whose waits return at once, and which counts them."""

    def wait(self, event, seconds):
        self.seconds += seconds
        return event.is_set()


@pytest.fixture
def clock():
    return SteppingClock()


def started(task):
    task.start()
    return task


def test_an_unexpected_error_does_not_end_the_rounds(clock, caplog):
    rounds, done = [], threading.Event()

    def work():
        rounds.append(clock.now())
        if len(rounds) == 3:
            done.set()
        raise Boom

    task = started(PeriodicTask("t", work, 5.0, clock))
    assert done.wait(20)
    task.close()
    assert task.state.failures >= 3
    assert task.state.last_success is None
    assert {record.task for record in caplog.records if record.levelno == logging.ERROR} == {"t"}


def test_the_last_success_is_stamped_and_a_later_failure_keeps_it(clock):
    outcomes = iter((None, Boom(), Boom()))

    def work():
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome

    task = PeriodicTask("t", work, 5.0, clock)
    assert task.run_once()
    first = clock.now()
    clock.seconds += 60
    assert not task.run_once()
    assert (task.state.last_success, task.state.failures) == (first, 1)


def test_the_first_round_may_wait_for_the_first_pause(clock):
    seen = threading.Event()
    at = []

    def work():
        at.append(clock.seconds)
        seen.set()

    began = clock.seconds
    task = started(PeriodicTask("t", work, 5.0, clock, at_once=False))
    assert seen.wait(20)
    task.close()
    assert at[0] - began >= 5.0


def test_a_task_that_has_finished_ends_and_is_never_late(clock):
    def work():
        raise TaskFinished

    task = started(PeriodicTask("t", work, 5.0, clock))
    task._thread.join(20)
    assert task.state.started_at is None
    assert task.state.failures == 0
    assert not task.state.late(clock.now() + timedelta(days=1))


@pytest.mark.parametrize(("age", "late"), [(89.0, False), (90.0, False), (90.1, True)])
def test_a_task_is_late_after_three_intervals_and_a_minute(clock, age, late):
    task = PeriodicTask("t", lambda: None, 10.0, clock)
    task._runner.record_start()
    assert task.run_once()
    assert task.state.late(clock.now() + timedelta(seconds=age)) is late


def test_a_worker_goes_on_with_the_next_item_after_an_unexpected_error(clock):
    done, seen = threading.Event(), []

    def work(item):
        seen.append(item)
        if item == "last":
            done.set()
        raise Boom

    worker = started(Worker("w", work, clock))
    for item in ("first", "second", "last"):
        assert worker.put(item)
    assert done.wait(20)
    worker.close()
    assert seen == ["first", "second", "last"]
    assert worker.state.failures == 3


def test_a_worker_whose_last_item_failed_does_not_count_waiting_as_success(clock):
    def work(item):
        if item == "bad":
            raise Boom

    worker = Worker("w", work, clock)
    worker.put("good")
    worker.run_waiting()
    good = clock.now()
    clock.seconds += 100
    worker.put("bad")
    assert worker.run_waiting() == 1
    assert worker.state.last_success == good


def test_a_full_worker_refuses_and_a_closed_one_ends(clock):
    worker = Worker("w", lambda item: None, clock, capacity=2)
    assert [worker.put(number) for number in range(3)] == [True, True, False]
    worker.start()
    worker.close()
    assert worker.state.started_at is None


def test_the_signals_say_age_lateness_and_failures_of_each_task(clock):
    def fails():
        raise Boom

    good, bad = (
        PeriodicTask("good", lambda: None, 1.0, clock),
        PeriodicTask("bad", fails, 1.0, clock),
    )
    for task in (good, bad):
        task._runner.record_start()
    clock.seconds += 100
    good.run_once()
    bad.run_once()
    age, late, failures = (
        {sample.labels["task"]: sample.value for sample in signal.read()}
        for signal in background_signals(lambda: (good, bad), clock)
    )
    assert (age["good"], age["bad"]) == (0.0, 100.0)
    assert (late, failures) == ({"good": 0.0, "bad": 1.0}, {"good": 0, "bad": 1})


def test_a_task_skips_its_rounds_while_its_condition_does_not_hold():
    rounds, leads, went_on = [], threading.Event(), threading.Event()
    task = PeriodicTask(
        "task", lambda: (rounds.append(leads.is_set()), went_on.set()), 0.01, SystemClock()
    )
    looked = threading.Event()

    def condition():
        looked.set()
        return leads.is_set()

    task.only_when(condition)
    task.start()
    assert looked.wait(10)
    leads.set()
    assert went_on.wait(10)
    task.close()
    assert False not in rounds
