"""How often a request asks PostgreSQL, and what it answers when it cannot ask."""

from contextlib import ExitStack
from contextvars import ContextVar

import pytest

from tests.faces import client_of
from trimtab.app import build
from trimtab.infra.settings import load
from trimtab.infra.storage.postgresql import PostgresDatabase
from trimtab.infra.storage.postgresql.connection import BoundedConnection

SEARCH = ("GET", "/api/v1/search/pumps", {"params": {"q": "pump pressure"}})
ANSWER = (
    "POST",
    "/v1/answers",
    {"json": {"project": "pumps", "question": "At which pressure does the pump start?"}},
)
_trips = ContextVar("trips", default=None)


@pytest.fixture(scope="module")
def app(cluster, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trimtab.infra.storage.postgresql.server._POOL_SECONDS", 2)
        yield from running(cluster, tmp_path_factory)


def running(cluster, tmp_path_factory):
    server = cluster.create()
    given = {
        "service.data_dir": str(tmp_path_factory.mktemp("service") / "data"),
        "service.database_url": server.url,
        "service.allow_unsafe_database": "true",
    }
    app = build(load(flags=given, environment={}))
    app.start(handbook=False)
    app.knowledge.projects.create("pumps")
    app.knowledge.ingest_text("pumps", "pump.txt", "The pump starts at 7 bar of pressure.")
    yield app
    app.close()
    cluster.drop(server)


@pytest.fixture
def call(app, monkeypatch):
    """Return what calls a route and returns the answer, and what it waited for the server."""
    wait = BoundedConnection.wait

    def counted(self, gen, *given, **named):
        trips = _trips.get()
        return wait(self, gen if trips is None else _noted(gen, trips), *given, **named)

    monkeypatch.setattr(BoundedConnection, "wait", counted)
    client = client_of(app, key=app.directory.file("admin.key").read_text().strip())

    def ask(method, path, options):
        _trips.set(trips := [])  # The client's thread and those of the service inherit the context.
        answer = client.request(method, path, **options)
        _trips.set(None)
        assert answer.status_code == 200, answer.text
        return answer.json(), trips

    return ask


def _noted(gen, trips):
    """Pass a generator of the driver on; note it if it waits, as one that does nothing does not."""
    name = gen.__qualname__
    try:
        ready = next(gen)
        trips.append(name)
        while True:
            ready = gen.send((yield ready))
    except StopIteration as ended:
        return ended.value


def test_a_cached_search_asks_the_server_once(call):
    for _ in range(8):  # The driver prepares a statement at its sixth time.
        call(*SEARCH)
    answer, trips = call(*SEARCH)
    assert answer["cache_hit"]
    assert len(trips) == 1, trips


def test_a_cached_answer_asks_the_server_once_and_writes_its_trace(call):
    for _ in range(8):
        call(*ANSWER)
    _, trips = call(*ANSWER)
    assert len(trips) == 1 + 3, trips  # The trace: lock, row, commit.


def test_a_search_after_a_change_is_not_answered_from_the_cache(app, call):
    for _ in range(2):
        call(*SEARCH)
    app.knowledge.ingest_text("pumps", "other.txt", "The pump of the pressure line is red.")
    answer, _ = call(*SEARCH)
    assert not answer["cache_hit"]
    assert len(answer["passages"]) == 2


def test_a_change_by_another_process_is_seen_by_the_next_search(app, call):
    for _ in range(2):
        call(*SEARCH)
    other = PostgresDatabase(app.env.postgres, "knowledge", ("knowledge",))
    with other.write() as connection:
        connection.exec_driver_sql("UPDATE projects SET index_version = index_version + 1")
    other.close()
    answer, _ = call(*SEARCH)
    assert not answer["cache_hit"]


def test_what_a_long_request_read_at_its_start_is_read_again(call, monkeypatch):
    for _ in range(8):
        call(*SEARCH)
    monkeypatch.setattr("trimtab.infra.storage.marks._VALID_SECONDS", -1)
    answer, trips = call(*SEARCH)
    assert answer["cache_hit"]
    assert len(trips) == 2, trips


def test_a_request_is_refused_with_503_while_all_connections_are_in_use(app, call):
    key = app.directory.file("admin.key").read_text().strip()
    client = client_of(app, key=key)
    with ExitStack() as held:
        for _ in range(app.env.settings.service.database_connections):
            held.enter_context(app.env.state.read())
        refused = client.get("/api/v1/projects")
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert "Connection pool exhausted" in refused.json()["error"]["message"]
    for word in ("psycopg", "sqlalchemy", "QueuePool"):
        assert word not in refused.text
    assert client.get("/api/v1/projects").status_code == 200
