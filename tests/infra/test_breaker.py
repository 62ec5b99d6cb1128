from trimtab.infra.breaker import BreakerState, CircuitBreaker
from trimtab.testing.clock import FakeClock


def test_a_breaker_is_healthy_until_a_failure_and_again_after_a_success():
    breaker = CircuitBreaker(3, 30.0, FakeClock())
    assert breaker.healthy
    breaker.record_failure()
    assert (breaker.state, breaker.healthy) == (BreakerState.CLOSED, False)
    breaker.record_success()
    assert breaker.healthy


def test_a_success_between_two_failures_starts_the_count_again():
    breaker = CircuitBreaker(2, 30.0, FakeClock())
    for _ in range(2):
        breaker.record_failure()
        breaker.record_success()
    assert breaker.state is BreakerState.CLOSED


def test_a_tripped_breaker_is_not_healthy_while_it_is_open_or_half_open():
    clock = FakeClock()
    breaker = CircuitBreaker(3, 30.0, clock)
    breaker.trip()
    assert (breaker.healthy, breaker.allow()) == (False, False)
    clock.advance(30.0)
    assert breaker.allow()
    assert (breaker.state, breaker.healthy) == (BreakerState.HALF_OPEN, False)
