"""Databases of tests on both engines: SQLite files, and databases of a real PostgreSQL server.

`open_at` opens the database of a file's path: on SQLite that file, on PostgreSQL an own database. Opened again it is the
same one, as a second process would see it. A test that takes the fixture ``databases`` runs on each engine;
``pytestmark = pytest.mark.usefixtures("databases")`` lets a whole module do so. The mark ``on_files`` keeps a test of such
a module to SQLite, because it looks at the file. Other tests run on SQLite, or on the engine that ``--engine`` names.
"""

import itertools
import os
from contextlib import contextmanager

import psycopg
import pytest

from tests.knowledge.engines.servers import PostgresServer as Server
from trimtab.infra.storage import SqliteDatabase
from trimtab.infra.storage.postgresql import PostgresDatabase, PostgresServer

ENGINES = ("sqlite", "postgresql")


class Databases:
    """The databases of one test on one engine."""

    def __init__(self, engine, folder, cluster=None):
        self.engine = engine
        self.folder = folder
        self._cluster = cluster
        self._servers = {}
        self._opened = []

    def open(self, chains, name="state", **options):
        """Open the database of a name in the test's folder; ``options`` are those of `SqliteDatabase`."""
        return self.at(self.folder / f"{name}.db", chains, **options)

    def at(self, file, chains, **options):
        """Open the database of that path."""
        if self.engine == "sqlite":
            opened = SqliteDatabase(file, tuple(chains), **options)
        else:
            opened = PostgresDatabase(self.server(file, chains), file.stem, tuple(chains))
        self._opened.append(opened)
        return opened

    def server(self, file=None, chains=()):
        """Return the PostgreSQL database of that path, with the tables of those chains."""
        if file not in self._servers:
            self._servers[file] = self._cluster.database(tuple(chains))
        return self._servers[file]

    def run(self, statement):
        """Run a statement as the server's administrator."""
        self._cluster.run(statement)

    def close(self):
        for opened in self._opened:
            opened.close()
        for server in self._servers.values():
            self._cluster.drop(server)


_EMPTY = r"""
DO $$
DECLARE each record; filled boolean;
BEGIN
  FOR each IN SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename NOT LIKE 'schema\_%'
      AND tablename NOT IN ('installation', 'fleet_numbers') -- One row each, made by the revision.
  LOOP
    EXECUTE 'SELECT EXISTS (SELECT FROM ' || each.name || ')' INTO filled;
    IF filled THEN EXECUTE 'DELETE FROM ' || each.name; END IF;
  END LOOP;
  FOR each IN SELECT format('%I.%I', schemaname, sequencename) AS name FROM pg_sequences
    WHERE last_value IS NOT NULL
  LOOP
    EXECUTE 'ALTER SEQUENCE ' || each.name || ' RESTART';
  END LOOP;
END $$
"""
_SHAPE = """
SELECT table_schema, table_name, column_name, data_type, collation_name FROM information_schema.columns
WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2, 3
"""


class Cluster:
    """A PostgreSQL server for all tests of a process.

    Creating a database takes longer than a test, so one that still has the tables of its chains is emptied and lent again.
    """

    def __init__(self, *, durable=False):
        self.process = Server(None)
        self._numbers = itertools.count()
        self._free = {}
        self._lent = {}
        self._shapes = {}
        # What a crash of the machine would lose, most tests do not need.
        for setting in () if durable else ("fsync", "synchronous_commit", "full_page_writes"):
            self.run(f"ALTER SYSTEM SET {setting} = off")
        self.run("SELECT pg_reload_conf()")

    def run(self, statement):
        with psycopg.connect(self.process.socket_url, autocommit=True) as connection:
            connection.execute(statement)

    def database(self, chains=(), **options):
        """Return a database with the empty tables of some chains; without any it is new and empty."""
        if not chains:
            return self.create(**options)
        free = self._free.setdefault(chains, [])
        server = free.pop() if free else self._migrated(chains)
        self._lent[server.url] = chains
        return server

    def drop(self, server):
        """Take a database back."""
        chains = self._lent.pop(server.url, ())
        if chains and self._emptied(server, chains):
            self._free[chains].append(server)
        else:
            self.run(f"DROP DATABASE IF EXISTS {_name(server)} WITH (FORCE)")

    def create(self, locale="LOCALE 'C'", **options):
        """Create an empty database."""
        made = f"test_{os.getpid()}_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {made} TEMPLATE template0 {locale}")
        url = self.process.socket_url.replace("/postgres?", f"/{made}?")
        return PostgresServer(url, **{"allow_unsafe": True, **options})

    def _migrated(self, chains):
        server = self.create()
        PostgresDatabase(server, "template", chains).close()
        self._shapes[chains] = _shape(server, chains)
        return server

    def _emptied(self, server, chains):
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(_EMPTY)
        return _shape(server, chains) == self._shapes[chains]

    def close(self):
        self.process.close()


def _shape(server, chains):
    with psycopg.connect(server.url) as connection:
        columns = connection.execute(_SHAPE).fetchall()
        versions = [f'(SELECT version_num FROM "{each}".schema_{each})' for each in chains]
        return columns, connection.execute(f"SELECT {', '.join(versions)}").fetchall()


def _name(server):
    return server.url.partition("?")[0].rpartition("/")[2]


_current = []


def open_at(file, chains, **options):
    """Open the database of a path on the running test's engine; see `Databases.at`."""
    if _current:
        return _current[-1].at(file, chains, **options)
    return SqliteDatabase(file, tuple(chains), **options)


def open_database(databases, chains, name="state", **options):
    """Open a database in the test's folder; see `Databases.open`."""
    return databases.open(chains, name, **options)


@contextmanager
def _using(engine, folder, cluster):
    made = Databases(engine, folder, cluster)
    _current.append(made)
    try:
        yield made
    finally:
        _current.remove(made)
        made.close()


def pytest_addoption(parser):
    parser.addoption("--engine", choices=ENGINES, help="run every test of a store on this engine")


def pytest_configure(config):
    config.addinivalue_line("markers", "on_files: the test looks at a SQLite file")


def pytest_generate_tests(metafunc):
    # Both, because other tests have a fixture of one of these names.
    if {"engine", "databases"} <= set(metafunc.fixturenames):
        files = metafunc.definition.get_closest_marker("on_files") is not None
        metafunc.parametrize("engine", ENGINES[:1] if files else ENGINES)


@pytest.fixture(autouse=True)
def _chosen_engine(request, tmp_path_factory):
    if request.config.getoption("--engine") != "postgresql" or "databases" in request.fixturenames:
        yield
        return
    if request.node.get_closest_marker("on_files"):
        pytest.skip("it looks at a SQLite file")
    with _using("postgresql", tmp_path_factory, request.getfixturevalue("cluster")):
        yield


@pytest.fixture(scope="session")
def cluster():
    """Return a real PostgreSQL server, started when the first test of this process needs it."""
    made = Cluster()
    yield made
    made.close()


@pytest.fixture
def own_cluster():
    """Return a server that the test may kill: one that loses nothing."""
    made = Cluster(durable=True)
    yield made
    made.close()


@pytest.fixture
def databases(engine, tmp_path, request):
    """Return the databases of this test on an engine."""
    cluster = request.getfixturevalue("cluster") if engine == "postgresql" else None
    with _using(engine, tmp_path, cluster) as made:
        yield made


@pytest.fixture
def postgres(tmp_path, cluster):
    """Return the databases of a test that is about PostgreSQL alone."""
    with _using("postgresql", tmp_path, cluster) as made:
        yield made
