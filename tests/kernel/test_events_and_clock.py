import threading
from datetime import UTC, datetime

import pytest

from trimtab.kernel.clock import SystemClock, machine_clock
from trimtab.kernel.events import Event, Events
from trimtab.testing.clock import FakeClock

EVENT = Event("a.happened", datetime(2026, 1, 1, tzinfo=UTC), "id", {})


def test_listeners_hear_their_own_events_and_stars_hear_all():
    events, heard = Events(), []
    events.subscribe("a.happened", lambda event: heard.append(("own", event)))
    events.subscribe("b.happened", lambda event: heard.append(("other", event)))
    events.subscribe("*", lambda event: heard.append(("star", event)))
    events.publish(EVENT)
    assert heard == [("own", EVENT), ("star", EVENT)]


def test_a_listener_that_fails_does_not_silence_the_next():
    events, heard = Events(), []

    def broken(_event):
        raise RuntimeError

    events.subscribe("a.happened", broken)
    events.subscribe("a.happened", heard.append)
    events.publish(EVENT)
    assert heard == [EVENT]


def test_a_fast_clock_runs_at_its_rate():
    slow, fast = SystemClock(), SystemClock(rate=1000)
    begin_slow = slow.monotonic()
    begin_fast = fast.monotonic()
    assert not fast.wait(threading.Event(), 50)  # 50 ms of real time.
    scaled = fast.monotonic() - begin_fast  # Read first, so that no more real time has passed.
    real = slow.monotonic() - begin_slow
    assert scaled >= 50
    assert scaled <= real * 1000


def test_a_clock_cannot_stand_still():
    with pytest.raises(ValueError, match="above zero"):
        SystemClock(rate=0)


def test_the_machines_work_is_timed_at_the_machines_pace_beside_a_fast_clock():
    machine, plain = machine_clock(SystemClock(rate=1000)), SystemClock()
    outer = plain.monotonic()
    begin = machine.monotonic()
    machine.sleep(0.02)
    inner = machine.monotonic() - begin
    assert 0.02 <= inner <= plain.monotonic() - outer


def test_a_clock_at_the_machines_pace_is_used_itself():
    fake = FakeClock()
    assert machine_clock(fake) is fake
