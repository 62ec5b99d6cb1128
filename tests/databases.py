"""Databases of tests on both engines: SQLite files, and databases of a real PostgreSQL server.

A test that takes ``databases`` runs twice. ``databases.open(chains)`` opens the test's database; opened again it is the
same one, as a second process would see it. ``open_database(databases, chains)`` is the same as a function. A world that
a test builds without fixtures may take ``engine``, the engine's name, and give it to `Databases`.
"""

import itertools
import os

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
        """Open the database of a name; ``options`` are those of `SqliteDatabase`."""
        if self.engine == "sqlite":
            opened = SqliteDatabase(self.folder / f"{name}.db", tuple(chains), **options)
        else:
            opened = PostgresDatabase(self.server(name, chains), name, tuple(chains))
        self._opened.append(opened)
        return opened

    def server(self, name="state", chains=()):
        """Return the PostgreSQL database of that name, a copy of the template with those chains."""
        if name not in self._servers:
            self._servers[name] = self._cluster.database(name, tuple(chains))
        return self._servers[name]

    def close(self):
        for opened in self._opened:
            opened.close()
        for server in self._servers.values():
            self._cluster.drop(server)


class Cluster:
    """A PostgreSQL server for all tests of a process; a test's database is a copy of a template."""

    def __init__(self):
        self.process = Server(None)
        self._numbers = itertools.count()
        self._templates = {}
        # What a crash of the machine would lose, tests do not need.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            self.run(f"ALTER SYSTEM SET {setting} = off")
        self.run("SELECT pg_reload_conf()")

    def run(self, statement):
        with psycopg.connect(self.process.socket_url, autocommit=True) as connection:
            connection.execute(statement)

    def database(self, name, chains, **options):
        """Create a database with the tables of some chains; empty without any."""
        template = "template0"
        if chains:
            template = self._templates.get((name, chains)) or self._make_template(name, chains)
        return self._create(template, **options)

    def drop(self, server):
        self.run(f"DROP DATABASE IF EXISTS {_name(server)} WITH (FORCE)")

    def close(self):
        self.process.close()

    def _make_template(self, name, chains):
        server = self._create("template0")
        PostgresDatabase(server, name, chains).close()
        self._templates[name, chains] = _name(server)
        return _name(server)

    def _create(self, template, locale="TEMPLATE template0 LOCALE 'C'", **options):
        made = f"test_{os.getpid()}_{next(self._numbers)}"
        how = locale if template == "template0" else f"TEMPLATE {template}"
        self.run(f"CREATE DATABASE {made} {how}")
        url = self.process.socket_url.replace("/postgres?", f"/{made}?")
        return PostgresServer(url, **{"allow_unsafe": True, **options})


def _name(server):
    return server.url.partition("?")[0].rpartition("/")[2]


def open_database(databases, chains, name="state", **options):
    """Open a database of a test; see `Databases.open`."""
    return databases.open(chains, name, **options)


@pytest.fixture(scope="session")
def cluster():
    """Return a real PostgreSQL server, started when the first test of this process needs it."""
    made = Cluster()
    yield made
    made.close()


@pytest.fixture(params=ENGINES)
def engine(request):
    """Return the name of the engine: the test runs on each."""
    return request.param


@pytest.fixture
def databases(engine, tmp_path, request):
    """Return the databases of this test on an engine."""
    cluster = request.getfixturevalue("cluster") if engine == "postgresql" else None
    made = Databases(engine, tmp_path, cluster)
    yield made
    made.close()


@pytest.fixture
def postgres(tmp_path, cluster):
    """Return the databases of a test that is about PostgreSQL alone."""
    made = Databases("postgresql", tmp_path, cluster)
    yield made
    made.close()
