"""Long queries and blockers on a real server: listed, planned, ended."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from tests.postgresql.test_signals import until
from trimtab.kernel.operable import Effect, Risk
from trimtab.postgresql.server import MAINTENANCE
from trimtab.postgresql.sessions import (
    ClientSession,
    LockWait,
    blockers,
    long_queries,
    read_sessions,
)

NOW = datetime(2026, 3, 14, tzinfo=UTC)
SESSION = ClientSession(
    1, NOW, NOW, "active", "app", "local", "SELECT", 0.0, 0.0, waits_for_lock=False
)


@pytest.fixture
def endless(world):
    """A session with a query that does not end, and what its client got."""
    connection, got = world.cluster.connect(application_name="report"), []

    def run():
        try:
            connection.execute("SELECT pg_sleep(600)")
        except psycopg.Error as error:
            got.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: any(each.runs for each in read_sessions(world.server, world.clock)))
    yield got
    connection.cancel()
    thread.join()
    connection.close()


@pytest.mark.feature("F220", "F222")
@pytest.mark.parametrize("limit", [300.0, 600.0])
def test_the_limit_itself_is_not_over_the_limit(limit):
    at, over = (replace(SESSION, query_seconds=seconds) for seconds in (limit, limit + 0.001))
    assert long_queries([at, over], limit) == [over]


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "idle"},
        {"state": "idle in transaction"},
        {"waits_for_lock": True},
        {"application": MAINTENANCE},
    ],
)
def test_who_runs_no_query_is_not_ended_for_a_long_one(changed):
    assert long_queries([replace(SESSION, query_seconds=9999, **changed)], 600) == []


@pytest.mark.feature("F220")
def test_a_query_of_five_minutes_is_listed_and_one_of_less_is_not(world, endless):
    world.clock.rate = 100_000  # A moment of the machine is minutes of the service.
    listed = world.run("postgresql.queries")
    assert [each["application"] for each in listed.facts["queries"]] == ["report"]
    assert "pg_sleep" in listed.facts["queries"][0]["query"]
    world.clock.rate = 1
    assert world.run("postgresql.queries").facts["queries"] == []


@pytest.mark.feature("F222")
def test_a_query_is_ended_only_when_it_is_over_the_time(world, endless):
    action = world.catalog.action("postgresql.terminate_queries")
    assert (action.risk, action.effect_class) == (Risk.APPROVAL, Effect.IRREVERSIBLE)
    assert {param.name: param.default for param in action.params} == {"older_seconds": 600}
    assert not world.run("postgresql.terminate_queries").changes
    assert endless == []
    world.clock.rate = 1_000_000
    planned = world.dry_run("postgresql.terminate_queries")
    assert "1 sessions would be ended: report" in planned.summary
    assert endless == []
    done = world.run("postgresql.terminate_queries")
    until(lambda: endless)
    assert isinstance(endless[0], psycopg.errors.AdminShutdown)
    assert [each["application"] for each in done.facts["ended"]] == ["report"]
    assert not world.run("postgresql.terminate_queries").changes, "a repetition ends nothing"


def test_a_session_that_went_on_to_another_query_is_not_ended(world):
    from trimtab.postgresql.sessions import terminate

    with world.cluster.connect(application_name="lives") as connection:
        connection.execute("SELECT 1")
        (seen,) = [s for s in read_sessions(world.server, world.clock) if s.application == "lives"]
        connection.execute("SELECT 2")
        assert not terminate(world.server, seen)
        assert connection.execute("SELECT 3").fetchone() == (3,)


@pytest.mark.parametrize(("seconds", "ended"), [(60.0, []), (60.001, [2])])
def test_only_who_waits_for_none_is_ended_and_only_for_a_wait_over_the_time(seconds, ended):
    holder, middle = replace(SESSION, pid=2), replace(SESSION, pid=3)
    waits = [LockWait(3, seconds, (2,)), LockWait(4, seconds, (3,))]
    assert [each.pid for each in blockers([holder, middle], waits, 60)] == ended


@pytest.mark.feature("F221")
def test_who_blocks_others_is_ended_and_who_waits_goes_on(world):
    world.catalog.fault("postgresql.lock.held").inject({})
    try:
        until(lambda: world.read("postgresql.lock.ungranted") == 1)
        assert not world.run("postgresql.terminate_blockers").changes, "it waits for under a minute"
        world.clock.rate = 100_000
        done = world.run("postgresql.terminate_blockers")
        assert [each["state"] for each in done.facts["ended"]] == ["idle in transaction"]
        until(lambda: world.read("postgresql.lock.ungranted") == 0)
    finally:
        world.catalog.fault("postgresql.lock.held").restore({})


@pytest.mark.feature("F180")
def test_without_pg_stat_statements_the_list_says_that_it_is_not_loaded(world):
    found = world.run("postgresql.top_queries")
    assert found.facts == {"loaded": False, "queries": []}
    assert "pg_stat_statements is not loaded" in found.summary
