import pytest

from trimtab.kernel.clock import SystemClock
from trimtab.kernel.health import ComponentHealth, Health, Status, overall


def _up():
    return ComponentHealth(Status.UP)


def _broken():
    raise OSError("gone")


def test_a_probe_that_raises_is_down_and_the_others_still_answer():
    health = Health(SystemClock())
    health.register("a", _broken)
    health.register("b", _up)
    found = health.check()
    assert (found["a"].status, found["a"].detail) == (Status.DOWN, "OSError: gone")
    assert found["b"].status is Status.UP
    assert found["b"].latency_ms >= 0


def test_a_component_is_registered_once():
    health = Health(SystemClock())
    health.register("a", _up)
    with pytest.raises(ValueError, match="registered twice"):
        health.register("a", _up)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("", "up"),
        ("up up", "up"),
        ("up down", "degraded"),
        ("down down", "down"),
        ("degraded", "degraded"),
    ],
)
def test_the_whole_is_as_well_as_its_parts(states, expected):
    components = {str(i): ComponentHealth(Status(state)) for i, state in enumerate(states.split())}
    assert overall(components) is Status(expected)
