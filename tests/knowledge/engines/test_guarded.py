"""A search in an engine outside is tried twice at most, and not at all while the breaker is open."""

import pytest

from trimtab.infra.breaker import CircuitBreaker
from trimtab.knowledge.engines.guarded import GuardedEngine
from trimtab.knowledge.errors import EngineUnavailable
from trimtab.testing.clock import FakeClock


class Engine:
    """An engine whose first calls fail."""

    name = "chroma"

    def __init__(self, failures):
        self.failures, self.calls = failures, 0


def search(engine):
    engine.calls += 1
    if engine.calls <= engine.failures:
        raise EngineUnavailable("connection reset")
    return "found"


def guarded(failures, opens_after=3):
    engine, clock = Engine(failures), FakeClock()
    return (
        engine,
        GuardedEngine(engine, CircuitBreaker(opens_after, 30.0, clock), clock, 5.0),
        clock,
    )


@pytest.mark.feature("F611")
def test_a_stale_connection_costs_a_second_attempt_and_no_answer():
    engine, under_test, _ = guarded(failures=1)
    assert (under_test.search(search), engine.calls) == ("found", 2)


def test_an_open_breaker_is_answered_at_once():
    engine, under_test, clock = guarded(failures=9, opens_after=1)
    with pytest.raises(EngineUnavailable):
        under_test.search(search)
    calls, at = engine.calls, clock.monotonic()
    with pytest.raises(EngineUnavailable, match="is down"):
        under_test.search(search)
    assert (engine.calls, clock.monotonic()) == (calls, at)
