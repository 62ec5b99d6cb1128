"""A streaming standby of a real server: its lag, reports from it, and failover by an address with both hosts."""

import psycopg
import pytest

from tests.postgresql.cluster import Cluster
from tests.postgresql.test_signals import until
from tests.postgresql.world import World
from trimtab.infra.storage.postgresql.server import PostgresServer


class Standby(Cluster):
    """A streaming standby of another server."""

    def __init__(self, primary):
        self._primary = primary
        super().__init__(primary.binaries)

    def make(self):
        address = f"host=127.0.0.1 port={self._primary.port} user=postgres application_name=standby"
        words = ("-R", "-X", "stream", "--checkpoint=fast", "-d", address)
        self.run("pg_basebackup", "-D", self.data, *words)

    def promote(self):
        self._control("promote")


def rows_of(cluster):
    """Return how many rows a server has received; None while it has no table."""
    with cluster.connect() as connection:
        if connection.execute("SELECT to_regclass('analysis_results')").fetchone()[0] is None:
            return None
        return connection.execute("SELECT count(*) FROM analysis_results").fetchone()[0]


@pytest.fixture
def pair():
    """A primary and its standby, each watched, with one row that both have."""
    primary = Cluster(max_connections=20)
    primary.start()
    standby = Standby(primary)
    standby.start()
    world, follower = World(primary), World(standby)
    until(lambda: world.read("postgresql.replication.lag", standby="standby") is not None)
    with primary.connect() as writer:
        writer.execute("CREATE TABLE analysis_results (id integer)")
        writer.execute("INSERT INTO analysis_results VALUES (1)")
    until(lambda: rows_of(standby) == 1)
    until(lambda: world.read("postgresql.replication.lag_bytes", standby="standby") == 0)
    yield world, follower
    for each in (world, follower):
        each.close()
    standby.close()
    primary.close()


def address(pair, attributes):
    """Return one address for both servers."""
    hosts = ",".join(f"127.0.0.1:{each.cluster.port}" for each in pair)
    return f"postgresql://postgres@{hosts}/postgres?target_session_attrs={attributes}"


@pytest.mark.feature("F231", "F733")
def test_the_lag_of_a_standby_is_seen_on_both_servers(pair):
    world, follower = pair
    assert follower.read("postgresql.server.standby") == 1
    assert follower.last("postgresql.replication.lag", standby="self") == 0
    with follower.cluster.connect() as paused:
        paused.execute("SELECT pg_wal_replay_pause()")
        with world.cluster.connect() as writer:
            writer.execute("INSERT INTO analysis_results SELECT generate_series(1, 1000)")
        until(lambda: world.read("postgresql.replication.lag_bytes", standby="standby") > 0)
        until(lambda: follower.read("postgresql.replication.lag", standby="self") > 0)
        paused.execute("SELECT pg_wal_replay_resume()")
    until(lambda: world.read("postgresql.replication.lag_bytes", standby="standby") == 0)


@pytest.mark.feature("F231")
def test_reports_are_read_from_the_standby_and_nothing_is_written_there(pair):
    with psycopg.connect(address(pair, "standby"), autocommit=True) as reader:
        assert reader.execute("SELECT count(*) FROM analysis_results").fetchone() == (1,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            reader.execute("INSERT INTO analysis_results VALUES (2)")
    follower = pair[1]
    follower.upkeep.run()
    assert follower.upkeep.last is None, "a standby cannot be vacuumed"


@pytest.mark.feature("F734")
def test_an_address_with_both_hosts_follows_the_promoted_standby(pair):
    world, follower = pair
    both = World(world.cluster, url=address(pair, "read-write"))
    # trimtab's own data is reached by the same address.
    store = PostgresServer(address(pair, "read-write"), allow_unsafe=True)
    try:
        assert both.read("postgresql.up") == 1
        store.check()
        world.cluster.stop("immediate")
        assert both.read("postgresql.up") == 0
        follower.cluster.promote()
        until(lambda: both.read("postgresql.up") == 1)
        assert both.last("postgresql.server.standby") == 0
        with store.direct() as connection:
            connection.execute("INSERT INTO analysis_results VALUES (2)")
            (row,) = connection.execute("SELECT count(*) FROM analysis_results").fetchall()
            assert tuple(row) == (2,)
    finally:
        both.close()
