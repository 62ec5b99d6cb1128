"""Calls to other services: a circuit breaker for each, and the retry rules."""

import pytest

from tests.databases import open_at
from trimtab.infra.dependencies import FAILURES, PROBE_SECONDS, Dependencies, DependencyUnavailable
from trimtab.infra.notify.channels import NotDelivered
from trimtab.infra.notify.delivery import Delivery, Reach
from trimtab.infra.notify.outbox import Outbox
from trimtab.infra.notify.routes import Kind, Message
from trimtab.infra.retries import retry_in_background, retry_within
from trimtab.testing.clock import FakeClock


class Broken:
    """Work that fails a number of times, and notes when it was called."""

    def __init__(self, clock, failures, seconds=0.0):
        self.clock, self.failures, self.seconds, self.called = clock, failures, seconds, []

    def __call__(self):
        self.called.append(self.clock.monotonic())
        self.clock.advance(self.seconds)
        if len(self.called) <= self.failures:
            raise OSError("no answer")
        return "done"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.mark.feature("F611")
def test_background_work_is_tried_three_times_with_pauses_of_1_to_10_seconds(clock):
    work = Broken(clock, 3)
    with pytest.raises(OSError, match="no answer"):
        retry_in_background(work, OSError, clock)
    pauses = [later - earlier for earlier, later in zip(work.called, work.called[1:], strict=False)]
    assert pauses == [1, 2]
    assert retry_in_background(Broken(clock, 2), OSError, clock) == "done"


def test_background_work_raises_other_errors_at_once(clock):
    work = Broken(clock, 3)
    with pytest.raises(OSError, match="no answer"):
        retry_in_background(work, ValueError, clock)
    assert len(work.called) == 1


def test_no_background_attempt_begins_after_the_given_time(clock):
    silent = Broken(clock, 3, seconds=10)
    with pytest.raises(OSError, match="no answer"):
        retry_in_background(silent, OSError, clock, 15)
    assert silent.called == [0, 11]


@pytest.mark.feature("F611")
@pytest.mark.parametrize(("seconds", "attempts"), [(0.0, 2), (2.4, 2), (2.5, 1)])
def test_a_request_is_tried_again_only_within_its_deadline(clock, seconds, attempts):
    work = Broken(clock, 5, seconds=seconds)
    with pytest.raises(OSError, match="no answer"):
        retry_within(work, OSError, clock, 5.0)
    assert len(work.called) == attempts


@pytest.mark.feature("F189")
def test_each_dependency_has_a_breaker_of_its_own_and_shows_its_state(clock):
    dependencies, work = Dependencies(clock), Broken(clock, FAILURES)
    for _ in range(FAILURES):
        with pytest.raises(OSError, match="no answer"):
            dependencies.call("one", work, OSError)
    with pytest.raises(DependencyUnavailable):
        dependencies.call("one", work, OSError)
    assert len(work.called) == FAILURES
    assert dependencies.call("other", lambda: "fine", OSError) == "fine"
    breaker, failures = dependencies.signals()
    states = {sample.labels["dependency"]: sample.value for sample in breaker.read()}
    assert states == {"one": 1.0, "other": 0.0}
    assert [sample.value for sample in failures.read()] == [FAILURES]
    clock.advance(PROBE_SECONDS)
    assert dependencies.call("one", work, OSError) == "done"
    assert dependencies.states()["one"] == "closed"


def test_an_open_breaker_ends_background_attempts(clock):
    dependencies, work = Dependencies(clock), Broken(clock, 9)
    for _ in range(2):
        with pytest.raises((OSError, DependencyUnavailable)):
            dependencies.call_in_background("one", work, OSError)
    assert len(work.called) == FAILURES


class Silent:
    """A channel that never takes a message."""

    def __init__(self, name):
        self.name, self.asked = name, 0

    def reaches_people(self, message):
        return True

    def send(self, message):
        self.asked += 1
        raise NotDelivered("no answer")


class Working(Silent):
    def send(self, message):
        self.asked += 1


@pytest.mark.feature("F189")
def test_a_silent_channel_holds_up_the_messages_of_the_others_three_times_only(tmp_path, clock):
    outbox = Outbox(open_at(tmp_path / "state.db", ("incidents", "notify")))
    silent, working = Silent("slack"), Working("webhook")
    reach = Reach([silent, working], Dependencies(clock))
    for number in range(20):
        outbox.add(Message("#incidents", Kind.ALERT, "text", f"m{number}", "INC-1"), clock.now())
    delivery = Delivery(outbox, reach.channels, clock, health=reach.health)
    delivery.deliver_due()
    # The twentieth reaches the second channel, though the first is called for three of them only.
    assert (silent.asked, working.asked) == (FAILURES, 20)
    clock.advance(PROBE_SECONDS)
    delivery.deliver_due()
    assert silent.asked == FAILURES + 1
