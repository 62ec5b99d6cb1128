"""Regular upkeep on a real server: what is due, what it does, and what it says."""

import pytest

from tests.postgresql.cluster import Cluster
from tests.postgresql.packages import debian_binaries
from tests.postgresql.test_care_actions import find, table  # noqa: F401 - a fixture.
from tests.postgresql.world import World
from trimtab.postgresql.care_actions import read_indexes
from trimtab.postgresql.errors import PostgresUnavailable


@pytest.mark.feature("F191", "F233", "F234")
def test_tables_that_are_due_are_vacuumed_once_and_invalid_indexes_rebuilt(world, table):  # noqa: F811
    assert "no upkeep" in world.run("postgresql.upkeep").summary
    assert world.last("postgresql.upkeep.age") is None
    world.server.query(
        "UPDATE pg_index SET indisvalid = false"
        " WHERE indexrelid = 'public.\"Odd name_pkey\"'::regclass"
    )
    world.upkeep.run()
    shown = world.run("postgresql.upkeep")
    assert table in shown.facts["tables"]
    assert shown.facts["indexes"] == ['public."Odd name_pkey"']
    assert "500 dead rows" in shown.summary
    assert find(world, table)["dead"] == 0
    assert all(row["valid"] for row in read_indexes(world.server))
    world.clock.advance(60)
    assert world.last("postgresql.upkeep.age") == 60
    world.upkeep.run()
    assert world.upkeep.last.tables == (), "nothing changed, and it was vacuumed just now"


def test_a_failed_run_is_shown(world):
    down = World(world.cluster, url="postgresql://postgres@127.0.0.1:1/postgres")
    with pytest.raises(PostgresUnavailable):
        down.upkeep.run()
    assert "failed: The PostgreSQL server refused" in down.run("postgresql.upkeep").summary


@pytest.mark.feature("F180", "F233")
def test_the_ten_statements_with_the_longest_mean_time_are_listed():
    made = Cluster(debian_binaries(), shared_preload_libraries="pg_stat_statements")
    made.start()
    world = World(made)
    try:
        with made.connect() as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
            for number in range(12):
                connection.execute(f"SELECT {', '.join(['1'] * (number + 1))}")
            connection.execute("SELECT pg_sleep(0.3)")
        found = world.run("postgresql.top_queries")
        queries = found.facts["queries"]
        assert found.facts["loaded"]
        assert len(queries) == 10
        assert "pg_sleep" in queries[0]["query"]
        assert queries[0]["mean_ms"] >= 300
        means = [row["mean_ms"] for row in queries]
        assert means == sorted(means, reverse=True)
        assert world.read("postgresql.statements.loaded") == 1
        assert world.last("postgresql.statements.slowest") >= 0.3
        world.upkeep.run()
        assert len(world.run("postgresql.upkeep").facts["slowest"]) == 10
    finally:
        world.close()
        made.close()
