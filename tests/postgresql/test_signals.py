"""Signals of a real server."""

import threading
import time

import pytest

from tests.postgresql.world import World


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


@pytest.mark.feature("F172", "F218", "F232")
def test_sessions_are_counted_by_state_and_against_the_limit(world):
    active = world.read("postgresql.sessions", state="active")
    before = world.last("postgresql.connections")
    with world.cluster.connect() as idle, world.cluster.connect() as busy:
        idle.execute("SELECT 1")
        thread = threading.Thread(target=lambda: busy.execute("SELECT pg_sleep(5)"))
        thread.start()
        until(lambda: world.read("postgresql.sessions", state="active") == active + 1)
        assert world.last("postgresql.connections") == before + 2
        assert 0 < world.last("postgresql.query.longest") < 60
        thread.join()
    assert world.last("postgresql.connections.max") == 40
    assert world.read("postgresql.up") == 1
    assert world.last("postgresql.connect.seconds") < 5


def test_what_a_server_can_say_about_itself(world):
    world.state.refresh()
    assert 0 < world.last("postgresql.cache.hit_ratio") <= 1
    assert world.last("postgresql.checksum.failures") == 0
    assert world.last("postgresql.server.standby") == 0
    assert world.last("postgresql.database.size") > 1_000_000
    assert world.last("postgresql.database.commits") > 0
    assert world.last("postgresql.statements.loaded") == 0
    assert world.last("postgresql.statements.slowest") is None
    assert world.state.problem == ""


@pytest.mark.feature("F221")
def test_a_session_that_waits_for_a_lock_is_seen(world):
    assert world.read("postgresql.lock.ungranted") == 0
    world.catalog.fault("postgresql.lock.held").inject({})
    until(lambda: world.read("postgresql.lock.ungranted") == 1)
    assert world.last("postgresql.lock.longest_wait") > 0
    assert world.last("postgresql.query.longest") == 0, "a query that waits is not one that runs"
    assert world.last("postgresql.transaction.longest_idle") > 0
    locks = world.run("postgresql.locks").facts["locks"]
    assert [row["relation"] for row in locks] == ["trimtab_drill"]
    assert len(locks[0]["blocked_by"]) == 1
    world.catalog.fault("postgresql.lock.held").restore({})
    assert world.read("postgresql.lock.ungranted") == 0


def test_without_a_server_there_are_no_samples_but_that_it_is_down(world):
    down = World(world.cluster, url="postgresql://postgres@127.0.0.1:1/postgres")
    assert down.read("postgresql.up") == 0
    assert down.last("postgresql.connect.failures", kind="refused") == 1
    assert down.last("postgresql.connect.failures", kind="timeout") == 0
    for name in down.catalog.signals.keys() - {"postgresql.up", "postgresql.connect.failures"}:
        assert down.last(name) is None, name
    assert "refused" in down.state.problem


@pytest.mark.feature("F214")
def test_timeouts_are_counted_apart_from_refusals(world):
    world.server.query("SELECT 1")
    world.catalog.fault("postgresql.catalog.locked").inject({})
    try:
        assert world.read("postgresql.up") == 0
        assert world.last("postgresql.connect.failures", kind="timeout") == 1
        assert world.last("postgresql.connect.failures", kind="refused") == 0
        assert world.last("postgresql.lock.ungranted") > 0, "the kept connection still reads"
    finally:
        world.catalog.fault("postgresql.catalog.locked").restore({})
    assert world.read("postgresql.up") == 1


def test_nothing_is_read_where_nothing_is_configured(world):
    none = World(world.cluster, url="")
    assert all(not list(signal.read()) for signal in none.catalog.signals.values())
