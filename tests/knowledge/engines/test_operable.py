"""Signals tell that a server is away, faults lead the connections astray, and an action finds the way back."""

import pytest

from trimtab.kernel.operable import ActionContext, Catalog, check_arguments
from trimtab.knowledge.actions import actions
from trimtab.knowledge.engines.faults import NoServer
from trimtab.knowledge.faults import faults
from trimtab.knowledge.signals import signals

ME = ActionContext("key", "test")


def catalog_of(knowledge, clock):
    return Catalog(signals(knowledge), actions(knowledge), faults(knowledge, clock))


@pytest.fixture
def sea(on_server):
    knowledge = on_server(breaker_failures=1)
    knowledge.ingest_text("sea", "whales.md", "Whales sing in the deep sea.")
    assert not knowledge.search("sea", "whales").degraded_mode
    return knowledge


def read(catalog, name):
    return {
        ",".join(sample.labels.values()): sample.value for sample in catalog.signal(name).read()
    }


@pytest.mark.parametrize("fault", ["knowledge.engine.cut", "knowledge.engine.silence"])
def test_a_way_that_leads_nowhere_is_seen_and_put_right_by_connecting_anew(
    sea, server, clock, fault
):
    catalog = catalog_of(sea, clock)
    broken = catalog.fault(fault)
    before = broken.inject({})
    assert sea.search("sea", "whales deep").degraded_mode
    assert read(catalog, "knowledge.engine.up") == {server.name: 0.0}
    assert read(catalog, "knowledge.component.up")["vector_store"] == 0.0
    action = catalog.action("knowledge.engine.reconnect")
    given = check_arguments(action.params, {"engine": server.name})
    assert action.dry_run(given, ME).facts == {"up": {server.name: False}}
    assert action.run(given, ME).facts == {"up": {server.name: True}}
    assert not sea.search("sea", "whales deep").degraded_mode
    assert read(catalog, "knowledge.engine.up") == {server.name: 1.0}
    broken.restore(before)


def test_a_fault_is_put_back_whole(sea, clock):
    broken = catalog_of(sea, clock).fault("knowledge.engine.silence")
    broken.restore(broken.inject({}))
    assert not sea.search("sea", "whales deep").degraded_mode


def test_projects_that_a_server_does_not_show_yet_are_counted(sea, server, clock):
    catalog = catalog_of(sea, clock)
    assert read(catalog, "knowledge.engine.behind") == {server.name: 0.0}
    sea.ingest_text("sea", "squid.md", "Squid glow.")
    assert read(catalog, "knowledge.engine.behind") == {server.name: 1.0}
    sea.search("sea", "squid")
    assert read(catalog, "knowledge.engine.behind") == {server.name: 0.0}


def test_without_a_server_there_is_nothing_to_cut_and_nothing_to_measure(knowledge, clock):
    catalog = catalog_of(knowledge, clock)
    assert read(catalog, "knowledge.engine.up") == {}
    with pytest.raises(NoServer):
        catalog.fault("knowledge.engine.cut").inject({})
