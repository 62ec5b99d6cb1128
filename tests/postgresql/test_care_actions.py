"""Analyze, vacuum and reindex on a real server."""

import pytest

from trimtab.postgresql.care_actions import read_indexes, read_tables
from trimtab.postgresql.errors import PostgresUnknown

NAME = 'public."Odd name"'


@pytest.fixture
def table(world):
    """A table with a name that must be quoted, of which half the rows are dead."""
    with world.cluster.connect() as connection:
        connection.execute(f"DROP TABLE IF EXISTS {NAME}")
        connection.execute(
            f"CREATE TABLE {NAME} (n integer PRIMARY KEY) WITH (autovacuum_enabled=off)"
        )
        connection.execute(f"INSERT INTO {NAME} SELECT generate_series(1, 1000)")
        connection.execute(f"DELETE FROM {NAME} WHERE n <= 500")
        connection.execute("SELECT pg_stat_force_next_flush()")
        yield NAME
        connection.execute(f"DROP TABLE {NAME}")


def find(world, name):
    (row,) = read_tables(world.server, name)
    return row


@pytest.mark.feature("F234")
def test_a_vacuum_removes_dead_rows_and_analyzes(world, table):
    assert find(world, table)["dead"] == 500
    planned = world.dry_run("postgresql.vacuum", table=table)
    assert "500 dead rows" in planned.summary
    assert find(world, table)["vacuumed"] is None
    world.run("postgresql.vacuum", table=table)
    now = find(world, table)
    assert (now["dead"], now["live"]) == (0, 500)
    assert now["vacuumed"]
    assert now["analyzed"]


@pytest.mark.feature("F234")
def test_an_analyze_leaves_dead_rows(world, table):
    world.run("postgresql.analyze", table=table)
    now = find(world, table)
    assert now["analyzed"]
    assert now["vacuumed"] is None


@pytest.mark.feature("F191")
def test_an_index_is_rebuilt_while_the_table_stays(world, table):
    (before,) = read_indexes(world.server, 'public."Odd name_pkey"')
    assert (
        "without blocking writes"
        in world.dry_run("postgresql.reindex", index=before["name"]).summary
    )
    done = world.run("postgresql.reindex", index=before["name"])
    (after,) = read_indexes(world.server, before["name"])
    assert done.summary == "Rebuilt 1 indexes."
    assert after["valid"]
    assert after["bytes"] < before["bytes"]


@pytest.mark.parametrize("action", ["analyze", "vacuum", "reindex"])
def test_an_unknown_name_is_refused_and_never_run(world, table, action):
    kind = "index" if action == "reindex" else "table"
    with pytest.raises(PostgresUnknown, match=f"There is no {kind}"):
        world.run(f"postgresql.{action}", **{kind: "public.t; DROP TABLE x"})
