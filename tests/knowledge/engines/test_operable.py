"""Signals tell that a server is away, faults lead the connections astray, and an action finds the way back."""

import pytest

from trimtab.kernel.operable import ActionContext, Catalog, check_arguments
from trimtab.knowledge.actions import actions
from trimtab.knowledge.engines.drill_server import NoServer
from trimtab.knowledge.faults import faults
from trimtab.knowledge.operable.engine_faults import EngineInUse
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


@pytest.mark.parametrize(
    ("fault", "silent"), [("knowledge.engine.kill", 0.0), ("knowledge.engine.cut", 1.0)]
)
def test_projects_of_a_broken_server_are_searched_in_this_process(
    open_knowledge, clock, fault, silent
):
    # Each look at the server that is cut off takes the whole timeout.
    knowledge = open_knowledge(engine_timeout_seconds=2.0)
    catalog = catalog_of(knowledge, clock)
    broken = catalog.fault(fault)
    state = broken.inject({})
    for _ in range(4):
        knowledge.beat()
    assert read(catalog, "knowledge.engine.up") == {"chroma": 0.0}
    assert read(catalog, "knowledge.engine.silent") == {"chroma": silent}
    assert read(catalog, "knowledge.component.up")["vector_store"] == 0.0
    assert knowledge.search(state["project"], "the pump").degraded_mode
    action = catalog.action("knowledge.engine.leave")
    given = check_arguments(action.params, {})
    assert action.dry_run(given, ME).facts == {"projects": {state["project"]: "chroma"}}
    done = action.run(given, ME)
    assert done.undo_arguments == {"projects": f"{state['project']}=chroma"}
    assert read(catalog, "knowledge.component.up")["vector_store"] == 1.0
    assert not knowledge.search(state["project"], "the pump starts").degraded_mode
    broken.restore(state)
    broken.restore(state)
    assert read(catalog, "knowledge.engine.up") == {}


def test_leaving_a_server_is_undone_by_moving_back(sea, server, clock):
    catalog = catalog_of(sea, clock)
    action = catalog.action("knowledge.engine.leave")
    done = action.run(check_arguments(action.params, {"engine": server.name}), ME)
    assert sea.engines.projects_in({server.name}) == []
    action.undo(done.undo_arguments, ME)
    assert sea.engines.projects_in({server.name}) == [("sea", server.name)]
    assert not sea.search("sea", "whales deep").degraded_mode


def test_a_way_that_is_open_again_is_found_by_reconnecting(sea, server, clock):
    server.relay.set("refuse")
    catalog = catalog_of(sea, clock)
    assert sea.search("sea", "whales deep").degraded_mode
    assert read(catalog, "knowledge.engine.up") == {server.name: 0.0}
    server.relay.set("pass")
    action = catalog.action("knowledge.engine.reconnect")
    given = check_arguments(action.params, {"engine": server.name})
    assert action.run(given, ME).facts == {"up": {server.name: True}}
    assert not sea.search("sea", "whales deep").degraded_mode


def test_projects_that_a_server_does_not_show_yet_are_counted(sea, server, clock):
    catalog = catalog_of(sea, clock)
    assert read(catalog, "knowledge.engine.behind") == {server.name: 0.0}
    sea.ingest_text("sea", "squid.md", "Squid glow.")
    assert read(catalog, "knowledge.engine.behind") == {server.name: 1.0}
    sea.search("sea", "squid")
    assert read(catalog, "knowledge.engine.behind") == {server.name: 0.0}


def test_without_a_server_there_is_nothing_to_measure(knowledge, clock):
    assert read(catalog_of(knowledge, clock), "knowledge.engine.up") == {}


def test_a_drill_cuts_nobody_off_who_uses_chroma_already(knowledge, clock):
    knowledge.engines.connect("chroma", "http://127.0.0.1:9")
    with pytest.raises(EngineInUse):
        catalog_of(knowledge, clock).fault("knowledge.engine.kill").inject({})


def test_a_drill_without_the_server_program_is_refused(knowledge, clock, monkeypatch):
    monkeypatch.setattr("trimtab.knowledge.engines.drill_server._find_program", lambda: None)
    with pytest.raises(NoServer, match="not installed"):
        catalog_of(knowledge, clock).fault("knowledge.engine.kill").inject({})
    assert "drill-vectors" not in {project.name for project in knowledge.projects.list()}
