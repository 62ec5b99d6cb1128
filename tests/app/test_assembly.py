"""Modules are added in order, found by the type of their service, started in order and closed in reverse."""

from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from trimtab.app.assembly import Assembly
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.health import ComponentHealth, Health, Status
from trimtab.kernel.module import Module
from trimtab.kernel.operable import Catalog, Sample, Signal

LEVEL = Signal("tank.level", "m", "Level of the tank.", lambda: [Sample(1.0)])


@pytest.fixture
def closing():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def assembly(closing):
    return Assembly(SimpleNamespace(health=Health(SystemClock())), closing)


def test_modules_start_in_order_and_close_in_reverse(assembly, closing):
    calls = []
    for name in ("pump", "tank"):
        first, second = (lambda call=f"{name}{n}": calls.append(call) for n in (1, 2))
        assembly.add(Module(name, object(), start=(first, second), close=(first, second)))
    assembly.start()
    assert calls == ["pump1", "pump2", "tank1", "tank2"]
    calls.clear()
    closing.close()
    assert calls == ["tank1", "tank2", "pump1", "pump2"]


def test_a_close_that_fails_does_not_keep_the_others_open(assembly, closing):
    calls = []
    assembly.add(Module("tank", object(), close=(lambda: calls.append("tank"),)))
    assembly.add(Module("pump", object(), close=(lambda: 1 / 0,)))
    with pytest.raises(ZeroDivisionError):
        closing.close()
    assert calls == ["tank"]


def test_a_module_that_is_left_out_of_the_start_stays_idle(assembly):
    calls = []
    assembly.add(Module("tank", object(), start=(lambda: calls.append("tank"),)))
    assembly.start(without=frozenset({"tank"}))
    assert calls == []


def test_a_module_uses_those_whose_services_it_was_built_with(assembly):
    class Pump:
        """A service of its own type."""

    assembly.add(Module("pump", Pump()))
    assembly.add(Module("catalog", Catalog()))
    assembly.service(Pump)
    assembly.add(Module("tank", object()))
    assembly.service(Pump)
    assembly.service(Catalog)
    assembly.add(Module("pier", object()))
    assembly.add(Module("horn", object()))
    assert {name: set(used) for name, used in assembly.uses.items()} == {
        "pump": set(),
        "catalog": set(),
        "tank": {"pump"},
        "pier": {"pump", "catalog"},
        "horn": set(),
    }


def test_a_service_is_found_by_its_type_once_its_module_is_added(assembly):
    with pytest.raises(LookupError, match="no module has a Catalog: list the one"):
        assembly.service(Catalog)
    catalog = Catalog()
    assembly.add(Module("catalog", catalog))
    assert assembly.service(Catalog) is catalog


def test_two_modules_of_one_name_are_refused(assembly):
    assembly.add(Module("tank", object()))
    with pytest.raises(ValueError, match="two modules are named 'tank'"):
        assembly.add(Module("tank", object()))


def test_what_is_published_after_the_catalog_is_refused(assembly):
    assembly.add(Module("tank", object(), signals=(LEVEL,)))
    assembly.add(Module("catalog", Catalog([LEVEL])))
    with pytest.raises(ValueError, match="'late' has signals, actions or faults"):
        assembly.add(Module("late", object(), signals=(LEVEL,)))


def test_the_health_of_a_module_is_registered(assembly):
    up = ComponentHealth(Status.UP, latency_ms=0.0)
    assembly.add(Module("tank", object(), health=(("tank", lambda: up),)))
    assert assembly.env.health.check() == {"tank": up}
