"""What only a PostgreSQL database has: schemas, collations, checks of a start, several processes."""

import shutil
import subprocess
import sys
import threading
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest
import sqlalchemy as sa

from tests.databases import Cluster
from trimtab.infra.environment import STATE_CHAINS
from trimtab.infra.storage import DatabaseUnsafe, DatabaseUrlInvalid
from trimtab.infra.storage.postgresql import PostgresDatabase, PostgresServer
from trimtab.kernel.errors import InvalidInput, Unavailable


@pytest.fixture
def database(postgres):
    return postgres.open(("state",))


def execute(server, *statements):
    with psycopg.connect(server.url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def test_each_chain_has_a_schema_of_its_name_with_texts_in_the_order_of_bytes(postgres):
    database = postgres.open(STATE_CHAINS)
    with database.read() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT table_schema, table_name, column_name, data_type, collation_name"
                " FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
            )
        ).all()
    assert {row.table_schema for row in rows} == set(STATE_CHAINS)
    texts = [row for row in rows if row.data_type in ("text", "character varying")]
    assert {(row.data_type, row.collation_name) for row in texts} == {("text", "C")}
    assert "integer" not in {row.data_type for row in rows}


@pytest.fixture
def english_cluster(monkeypatch):
    """Return a server whose databases may have the order of the English language."""
    # Not in pytest's own folder: under root the server runs as another user, whom pytest keeps out.
    folder = Path(mkdtemp(prefix="trimtab-locales-"))
    folder.chmod(0o755)
    command = ["localedef", "--no-archive", "-i", "en_US", "-f", "UTF-8", folder / "en_US.UTF-8"]
    # Another test may have left a mask under which the server's user cannot read the files.
    subprocess.run(command, check=True, umask=0o022)
    monkeypatch.setenv("LOCPATH", str(folder))
    made = Cluster()
    yield made
    made.close()
    shutil.rmtree(folder)


def test_texts_are_in_the_order_of_bytes_in_a_database_with_the_rules_of_a_language(
    english_cluster,
):
    server = english_cluster.create("LOCALE 'en_US.UTF-8'")
    database = PostgresDatabase(server, "state", ("state",))
    names = ("hour", "total_ms", "minutes")
    table = sa.table("response_hours", *map(sa.column, names))
    by_language = sa.text("SELECT :a < :b").bindparams(a="B", b="a")
    with database.write() as connection:
        # Else the server does not show what is tested here.
        assert connection.scalar(by_language) is False
        rows = [{"hour": hour, "total_ms": 0.0, "minutes": 0} for hour in ("a", "B")]
        connection.execute(sa.insert(table), rows)
        found = connection.scalars(sa.select(table.c.hour).order_by(table.c.hour)).all()
        after = connection.scalars(sa.select(table.c.hour).where(table.c.hour > "B")).all()
        newest = connection.scalar(sa.select(sa.func.max(table.c.hour)))
    database.close()
    assert (found, after, newest) == (["B", "a"], ["a"], "a")


def test_a_column_that_orders_by_a_language_is_refused_at_the_start(postgres, database):
    server = postgres.server(postgres.folder / "state.db")
    execute(server, "ALTER TABLE state.audit_events ALTER COLUMN at TYPE text COLLATE pg_c_utf8")
    with pytest.raises(DatabaseUnsafe, match=r"state\.audit_events\.at orders texts by a language"):
        PostgresDatabase(server, "state", ("state",))


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_loses_commits_is_refused_with_the_parameter_and_what_to_do(cluster, name):
    # The cluster of the tests has all three off; each is tested with the two others on.
    others = [each for each in ("fsync", "full_page_writes", "synchronous_commit") if each != name]
    for each in others:
        cluster.run(f"ALTER SYSTEM SET {each} = on")
    cluster.run("SELECT pg_reload_conf()")
    server = PostgresServer(cluster.process.socket_url)
    try:
        with pytest.raises(DatabaseUnsafe, match=f": {name} is off") as caught:
            wait_for_reload(server, others)
    finally:
        for each in others:
            cluster.run(f"ALTER SYSTEM SET {each} = off")
        cluster.run("SELECT pg_reload_conf()")
    assert f"ALTER SYSTEM SET {name} = on" in caught.value.hint()


def wait_for_reload(server, names):
    """Check the server once its configuration has been read again."""
    while True:
        with server.direct() as connection:
            if {connection.execute(f"SHOW {each}").fetchone()[0] for each in names} == {"on"}:
                break
    server.check()


def test_the_transactions_commit_durably_on_a_server_that_does_not(database):
    with database.write() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


@pytest.mark.parametrize(
    "url", ["mysql://u:hunter2@h/d", "postgresql://u:hunter2@h:no/d?x=y", "hunter2"]
)
def test_an_address_that_is_none_is_refused_without_its_password(url):
    with pytest.raises(DatabaseUrlInvalid) as caught:
        PostgresServer(url)
    assert "hunter2" not in str(caught.value.as_dict())


def test_a_server_that_is_not_there_is_unavailable():
    server = PostgresServer("postgresql://trimtab:hunter2@127.0.0.1:9/trimtab")
    with pytest.raises(Unavailable) as caught:
        PostgresDatabase(server, "state", ("state",))
    assert "hunter2" not in str(caught.value.as_dict())


def test_five_processes_start_on_an_empty_database_at_once(cluster):
    server = cluster.create()
    program = (
        "import sys; from trimtab.infra.environment import STATE_CHAINS\n"
        "from trimtab.infra.storage.postgresql import PostgresDatabase, PostgresServer\n"
        "from trimtab.infra.audit import Audit; from trimtab.kernel.clock import SystemClock\n"
        "from trimtab.infra.jobs.durable import DurableJobs\n"
        "s = PostgresServer(sys.argv[1], allow_unsafe=True)\n"
        "d = PostgresDatabase(s, 'state', STATE_CHAINS)\n"
        "for _ in range(10): Audit(d, SystemClock()).append('a', 'b', 'c')\n"
        "d.close()\n"
        # DBOS makes its tables, and builds indexes that wait for queries of the others.
        "j = DurableJobs(s, SystemClock(), sys.argv[2]); j.launch(); j.close()\n"
    )
    command = [sys.executable, "-c", program, server.url]
    processes = [
        subprocess.Popen([*command, f"process{number}"], stderr=subprocess.PIPE, text=True)
        for number in range(5)
    ]
    assert [(process.communicate()[1], process.returncode) for process in processes] == [
        ("", 0)
    ] * 5
    with psycopg.connect(server.url) as connection:
        found = connection.execute("SELECT count(*), max(seq) FROM state.audit_events").fetchone()
    cluster.drop(server)
    assert found == (50, 50)


def test_a_number_above_the_32_bits_of_an_integer_is_kept(postgres):
    database = postgres.open(("state",))
    table = sa.table("response_hours", *map(sa.column, ("hour", "total_ms", "minutes")))
    with database.write() as connection:
        connection.execute(sa.insert(table).values(hour="h", total_ms=1.0, minutes=2**40))
        assert connection.scalar(sa.select(table.c.minutes)) == 2**40


def test_the_character_nul_is_refused_as_the_callers_mistake(database):
    table = sa.table("response_hours", *map(sa.column, ("hour", "total_ms", "minutes")))
    with pytest.raises(InvalidInput, match="NUL"), database.write() as connection:
        connection.execute(sa.insert(table).values(hour="a\0b", total_ms=1.0, minutes=1))


def test_writers_of_two_processes_take_turns(postgres):
    databases = [postgres.open(("state",)) for _ in range(2)]
    table = sa.table("response_hours", *map(sa.column, ("hour", "total_ms", "minutes")))

    def add(database):
        for _ in range(20):
            with database.write() as connection:
                last = connection.scalar(sa.select(sa.func.max(table.c.minutes))) or 0
                row = {"hour": str(last), "total_ms": 0.0, "minutes": last + 1}
                connection.execute(sa.insert(table).values(**row))

    threads = [threading.Thread(target=add, args=(each,)) for each in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with databases[0].read() as connection:
        assert connection.scalar(sa.select(sa.func.max(table.c.minutes))) == 40
