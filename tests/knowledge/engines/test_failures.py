"""A server that is cut off, silent, talking nonsense, killed or emptied costs meaning for a while, and nothing else."""

import sys

import pytest

from trimtab.infra.breaker import BreakerState
from trimtab.kernel.health import Health, Status
from trimtab.knowledge.engines.health import register
from trimtab.knowledge.engines.registry import ADAPTERS
from trimtab.knowledge.errors import (
    EngineClientMissing,
    EngineNotConfigured,
    EngineUnavailable,
)

COMPONENT = {"postgres": "postgres", "chroma": "chromadb"}
DOWN = (True, "vector_store_unavailable")


@pytest.fixture
def sea(on_server):
    knowledge = on_server(breaker_failures=2, probe_seconds=30.0)
    knowledge.ingest_text("sea", "whales.md", "Whales sing in the deep sea.")
    knowledge.ingest_text("sea", "gulls.md", "Gulls cry over the harbour.")
    assert state(knowledge.search("sea", "whales")) == (False, "")
    return knowledge


def state(result):
    return result.degraded_mode, result.reason


def recovered(knowledge, clock):
    """Let the pause of the breaker pass, and one heartbeat."""
    clock.seconds += 31
    knowledge.beat()
    knowledge.indexes.close()  # Ends once the background work is done.
    return knowledge


@pytest.mark.feature("F548")
@pytest.mark.parametrize("mode", ["refuse", "hold", "garble"])
def test_words_answer_while_the_server_does_not(sea, server, mode):
    server.relay.set(mode)
    found = sea.search("sea", "whales deep")
    assert state(found) == DOWN
    assert found.passages[0].document_name == "whales.md"


def test_words_answer_while_the_server_is_dead_and_meaning_when_it_lives_again(sea, server, clock):
    server.kill()
    try:
        assert state(sea.search("sea", "whales deep")) == DOWN
    finally:
        server.start()
    recovered(sea, clock)
    assert state(sea.search("sea", "whales deep")) == (False, "")


@pytest.mark.feature("F552")
def test_cached_results_are_served_whole_while_the_server_is_down(sea, server):
    before = sea.search("sea", "whales")
    server.relay.set("refuse")
    after = sea.search("sea", "whales")
    assert (after.cache_hit, *state(after)) == (True, False, "")
    assert after.passages == before.passages


@pytest.mark.feature("F537")
@pytest.mark.feature("F554")
@pytest.mark.feature("F555")
def test_an_open_breaker_keeps_calls_away_and_tries_once_every_thirty_seconds(sea, server, clock):
    server.relay.set("refuse")
    for word in ("one", "two", "three"):
        assert sea.search("sea", word).degraded_mode
    engine = sea.engines.engine(server.name)
    assert engine.breaker.state is BreakerState.OPEN
    server.relay.set("pass")
    assert state(sea.search("sea", "four")) == DOWN
    clock.seconds += 31
    sea.beat()
    assert engine.breaker.state is BreakerState.CLOSED


@pytest.mark.feature("F556")
def test_what_came_in_meanwhile_is_found_by_meaning_afterwards(sea, server, clock):
    server.relay.set("refuse")
    assert sea.ingest_text("sea", "squid.md", "Squid glow.").status == "ingested"
    assert sea.search("sea", "squid").passages[0].document_name == "squid.md"
    server.relay.set("pass")
    recovered(sea, clock)
    found = sea.search("sea", "squid glow", 1)
    assert state(found) == (False, "")
    assert found.passages[0].vector_score is not None
    assert len(sea.engines.of(sea.parts.stores.projects.find("sea"))) == 3


def test_what_was_deleted_meanwhile_is_hidden_at_once_and_leaves_the_server_later(
    sea, server, clock
):
    server.relay.set("refuse")
    sea.documents.delete("sea", "gulls.md")
    assert "gulls.md" not in [p.document_name for p in sea.search("sea", "gulls").passages]
    with pytest.raises(EngineUnavailable):
        sea.verify_deletions()
    server.relay.set("pass")
    recovered(sea, clock)
    assert sea.verify_deletions().holds


def test_a_project_that_was_deleted_meanwhile_leaves_the_server_later(sea, server, clock):
    (space,) = [space for _, space in sea.engine_store.spaces()]
    server.relay.set("refuse")
    sea.projects.delete("sea")
    server.relay.set("pass")
    recovered(sea, clock)
    client = sea.engines.adapter(server.name)
    assert (client.stamps(space), sea.engine_store.spaces()) == ({}, [])
    client.close()


def test_a_server_that_lost_everything_is_filled_again(sea, server):
    remote = sea.engines.of(sea.parts.stores.projects.find("sea"))
    client = sea.engines.adapter(server.name)
    client.remove(remote.space, list(client.stamps(remote.space)))
    assert sea.search("sea", "gulls cry").degraded_mode
    assert state(sea.search("sea", "gulls harbour")) == (False, "")
    assert len(client.stamps(remote.space)) == 2
    client.close()


def test_a_server_that_proposes_what_is_not_there_shows_nothing_of_it(sea, server):
    row = sea.parts.stores.projects.find("sea")
    remote = sea.engines.of(row)
    former = remote.engine.replace(Liar())
    assert sea.search("sea", "anything at all", labels=["x"]).passages
    sea.documents.set_metadata("sea", "gulls.md", labels=["crew"])
    found = sea.search("sea", "gulls cry harbour", labels=["passenger"])
    assert [p.document_name for p in found.passages] == ["whales.md"]
    remote.engine.replace(former)


class Liar:
    """Proposes every number, whatever it is asked."""

    name = "postgres"

    def nearest(self, _space, _query, _limit, _seen):
        return list(range(1000))

    def stamps(self, _space):
        return {}

    def put(self, _space, _points):
        pass

    remove = put


def test_a_project_in_the_embedded_engine_does_not_notice(sea, server):
    sea.ingest_text("land", "hills.md", "Hills rise.")
    sea.engine_store.assign(sea.parts.stores.projects.find("land").key, "embedded")
    server.relay.set("refuse")
    assert sea.search("sea", "gulls").degraded_mode
    assert not sea.search("land", "hills").degraded_mode


@pytest.mark.feature("F516")
def test_health_tells_the_server_and_how_fast_it_answers(sea, server):
    found = sea.engines.engine(server.name)
    found.heartbeat()
    health = around(sea)[COMPONENT[server.name]]
    assert (health.status, health.facts["breaker"]) == (Status.UP, "closed")
    assert health.latency_ms == found.latency_ms


@pytest.mark.feature("F536")
def test_health_tells_that_the_server_is_down_and_why(sea, server):
    server.relay.set("refuse")
    for _ in range(3):
        sea.beat()
    found = around(sea)
    assert found[COMPONENT[server.name]].status is Status.DOWN
    assert found["vector_store"].status is Status.DOWN
    assert "failed" in found["vector_store"].detail
    assert sea.components()["vector_store"] is False


def around(knowledge):
    health = Health(knowledge.parts.context.clock)
    register(health, knowledge.indexes, knowledge.engines)
    return health.check()


def test_a_restart_goes_on_with_what_the_server_has(sea, on_server, server):
    again = on_server()
    sent = []
    engine = again.engines.engine(server.name)
    former = engine.replace(Counting(again.engines.adapter(server.name), sent))
    assert state(again.search("sea", "whales sing")) == (False, "")
    assert sent == []
    engine.replace(former).close()


class Counting:
    """Passes everything on and notes what is put."""

    def __init__(self, engine, sent):
        self._engine = engine
        self._sent = sent

    def __getattr__(self, name):
        if name == "put":
            return lambda _space, points: self._sent.extend(points)
        return getattr(self._engine, name)


def test_a_project_whose_engine_has_no_address_any_more_is_answered_by_words(sea, open_knowledge):
    again = open_knowledge()
    assert state(again.search("sea", "whales")) == DOWN


def test_an_engine_without_address_is_refused_at_the_start(open_knowledge):
    with pytest.raises(EngineNotConfigured, match="postgres") as refused:
        open_knowledge(engine="postgres")
    assert "TRIMTAB_KNOWLEDGE_POSTGRES_URL" in refused.value.hint()


@pytest.mark.parametrize(("name", "module"), [("postgres", "psycopg"), ("qdrant", "qdrant_client")])
def test_a_missing_client_names_the_extra(monkeypatch, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(EngineClientMissing) as refused:
        ADAPTERS[name]("http://127.0.0.1:1", 1.0)
    assert refused.value.hint() == f"Install it: pip install 'trimtab[{name}]'."


@pytest.mark.parametrize("mode", ["refuse", "hold", "garble"])
def test_qdrant_too_raises_one_error_for_every_failure(servers, mode):
    relay = servers["chroma"].relay
    relay.set(mode)
    engine = ADAPTERS["qdrant"](f"http://127.0.0.1:{relay.port}", 0.5)
    with pytest.raises(EngineUnavailable):
        engine.ping()
    engine.close()
    relay.set("pass")
