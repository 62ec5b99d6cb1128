"""A server that is restarted, cut off, silent, slow or full: the caller is told, and the next call works."""

import threading
import time

import psycopg
import pytest

from tests.knowledge.engines.servers import Relay
from trimtab.infra.storage.postgresql import PostgresDatabase, PostgresServer
from trimtab.kernel.errors import Unavailable


@pytest.fixture
def relay(cluster):
    made = Relay(cluster.process.socket_path)
    yield made
    made.close()


@pytest.fixture
def relayed(postgres, relay, monkeypatch):
    """Return a database that is reached through the relay."""
    monkeypatch.setattr("trimtab.infra.storage.postgresql.connection.BoundedConnection.limit", 1.0)
    direct = postgres.server(postgres.folder / "state.db", ("state",))
    name = direct.url.partition("?")[0].rpartition("/")[2]
    url = f"postgresql://postgres@127.0.0.1:{relay.port}/{name}?sslmode=disable"
    database = PostgresDatabase(PostgresServer(url, allow_unsafe=True), "state", ("state",))
    yield database
    database.close()


def ask(database):
    with database.read() as connection:
        return connection.exec_driver_sql("SELECT 1").scalar()


def until_it_answers(database):
    """Return the answer, once lost connections are replaced; every error until then is ours."""
    for _ in range(20):
        try:
            return ask(database)
        except Unavailable:
            continue
    return None


@pytest.mark.parametrize("mode", ["refuse", "hold", "garble"])
def test_a_line_that_fails_is_unavailable_until_it_works_again(relayed, relay, mode):
    assert ask(relayed) == 1
    relay.set(mode)
    with pytest.raises(Unavailable) as caught:
        ask(relayed)
    assert caught.value.hint() == "Repeat the call."
    relay.set("pass")
    assert until_it_answers(relayed) == 1


def test_a_slow_line_answers_late_and_right(relayed, relay):
    relay.delay = 0.1
    began = time.monotonic()
    with relayed.write() as connection:
        connection.exec_driver_sql("INSERT INTO response_hours VALUES ('h', 1, 1)")
    with relayed.read() as connection:
        found = connection.exec_driver_sql("SELECT hour FROM response_hours").scalars().all()
    assert found == ["h"]
    assert time.monotonic() - began > 6 * 2 * relay.delay


def test_a_line_that_is_slower_than_an_answer_may_be_is_unavailable(relayed, relay):
    assert ask(relayed) == 1
    relay.delay = 1.5
    with pytest.raises(Unavailable):
        ask(relayed)
    relay.delay = 0.0
    assert until_it_answers(relayed) == 1


def test_a_line_that_is_cut_in_a_transaction_leaves_nothing(relayed, relay, postgres):
    def write():
        with relayed.write() as connection:
            connection.exec_driver_sql("INSERT INTO response_hours VALUES ('h', 1, 1)")
            relay.set("refuse")
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(Unavailable):
        write()
    relay.set("pass")
    with postgres.open(("state",)).read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM response_hours").scalar() == 0


def test_a_line_that_is_cut_at_a_commit_tells_to_look_before_repeating(relayed, relay):
    def write():
        with relayed.write() as connection:
            connection.exec_driver_sql("INSERT INTO response_hours VALUES ('h', 1, 1)")
            relay.set("hold")

    with pytest.raises(Unavailable, match="during a commit") as caught:
        write()
    assert "look before you repeat" in caught.value.hint()


def test_an_exhausted_pool_is_unavailable(postgres, monkeypatch):
    monkeypatch.setattr("trimtab.infra.storage.postgresql.server._POOL_SECONDS", 0.05)
    server = postgres.server(postgres.folder / "state.db", ("state",))
    small = PostgresServer(server.url, pool_size=2, allow_unsafe=True)
    database = PostgresDatabase(small, "state", ("state",))
    with database.read(), database.read(), pytest.raises(Unavailable, match="pool exhausted"):
        ask(database)
    assert ask(database) == 1
    database.close()


def test_a_server_without_a_connection_left_is_unavailable(postgres):
    server = postgres.server(postgres.folder / "state.db", ("state",))
    name = server.url.partition("?")[0].rpartition("/")[2]
    database = postgres.open(("state",))
    database.engine.dispose()
    postgres.run(
        f"CREATE ROLE few LOGIN CONNECTION LIMIT 0; GRANT CONNECT ON DATABASE {name} TO few"
    )
    try:
        limited = PostgresServer(server.url.replace("postgres@", "few@"), allow_unsafe=True)
        with pytest.raises(Unavailable, match="no connection left"):
            PostgresDatabase(limited, "state", ("state",))
    finally:
        postgres.run(f"REVOKE CONNECT ON DATABASE {name} FROM few; DROP ROLE few")


def test_a_writer_that_waits_too_long_for_another_is_unavailable(postgres, monkeypatch):
    monkeypatch.setattr("trimtab.infra.storage.postgresql.database._LOCK_SECONDS", 1)
    first, second = postgres.open(("state",)), postgres.open(("state",))
    with first.write(), pytest.raises(Unavailable, match="stayed locked"), second.write():
        pass


def test_a_server_that_ends_the_connection_is_unavailable_once(postgres):
    database = postgres.open(("state",))
    assert ask(database) == 1
    postgres.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'trimtab'"
    )
    assert until_it_answers(database) == 1


def test_a_restart_under_load_loses_nothing_acknowledged_and_shows_no_error_of_the_driver(
    own_cluster,
):
    server = own_cluster.create()
    database = PostgresDatabase(server, "state", ("state",))
    acknowledged, unclear, failures, done = [], [], [], threading.Event()

    def write(worker):
        number = 0
        while not done.is_set():
            number += 1
            name = f"{worker}-{number:06}"
            try:
                with database.write() as connection:
                    connection.exec_driver_sql(
                        "INSERT INTO response_hours VALUES (%s, 1, 1)", (name,)
                    )
                acknowledged.append(name)
            except Unavailable as error:
                (unclear if "commit" in str(error) else failures).append(name)
                time.sleep(0.01)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(acknowledged) > 50)
    own_cluster.process.kill()
    own_cluster.process.start()
    before = len(acknowledged)
    wait_for(lambda: len(acknowledged) > before + 50)
    done.set()
    for thread in threads:
        thread.join()
    with psycopg.connect(server.url) as connection:
        found = {row[0] for row in connection.execute("SELECT hour FROM state.response_hours")}
    database.close()
    assert failures
    assert set(acknowledged) <= found <= set(acknowledged) | set(unclear)


def wait_for(condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_process_that_is_frozen_while_it_writes_does_not_keep_others_from_writing(
    postgres, monkeypatch
):
    monkeypatch.setattr("trimtab.infra.storage.postgresql.database._IDLE_SECONDS", 1)
    file = postgres.folder / "state.db"
    frozen, other = (postgres.at(file, ("state",)) for _ in range(2))
    written = []

    def write():
        with other.write() as connection:
            written.append(connection.exec_driver_sql("SELECT 1").scalar())

    def freeze():
        with frozen.write() as connection:
            thread.start()
            thread.join(20)
            connection.exec_driver_sql("SELECT 1")

    thread = threading.Thread(target=write)
    with pytest.raises(Unavailable, match="waited too long"):
        freeze()
    assert written == [1]
