"""The shipped pgbouncer.ini and postgres-exporter.yaml, run with Debian's programs on a real server."""

import configparser
import os
import shutil
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import psycopg
import pytest
import yaml

from tests.postgresql.cluster import USER
from tests.postgresql.packages import program
from tests.postgresql.test_signals import until
from trimtab.infra.audit import Audit
from trimtab.infra.auth import Keys, Role
from trimtab.infra.child_process import ChildProcess
from trimtab.infra.shipped import shipped
from trimtab.infra.storage.postgresql import PostgresDatabase, PostgresServer
from trimtab.kernel.errors import Unauthenticated
from trimtab.testing.clock import FakeClock

ROOT = shipped("library").parent


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture
def pooler(_cluster):
    """PgBouncer with the shipped file, of which only addresses and the sign-in are the test's."""
    path = program("pgbouncer", "pgbouncer")
    port, folder = free_port(), _cluster.folder / "pooler"
    folder.mkdir(exist_ok=True)
    text = (ROOT / "deploy/postgresql/pgbouncer.ini").read_text()
    changed = {
        "host=postgresql port=5432 dbname=hybrid_ai": f"host=127.0.0.1 port={_cluster.port} dbname=postgres",
        "listen_addr = *": "listen_addr = 127.0.0.1\nunix_socket_dir =\nadmin_users = postgres",
        "listen_port = 6432": f"listen_port = {port}",
        "auth_type = scram-sha-256": "auth_type = trust",
        "/etc/pgbouncer/userlist.txt": str(folder / "userlist.txt"),
    }
    for old, new in changed.items():
        assert old in text, old
        text = text.replace(old, new)
    (folder / "pgbouncer.ini").write_text(text)
    (folder / "userlist.txt").write_text('"postgres" ""\n')
    words = [path, "-u", USER] if os.geteuid() == 0 else [path]
    if os.geteuid() == 0:
        for file in (folder, *folder.iterdir()):
            shutil.chown(file, USER, USER)
    child = ChildProcess([*words, str(folder / "pgbouncer.ini")], stderr=subprocess.DEVNULL)

    def connect(database="hybrid_ai"):
        return psycopg.connect(
            f"postgresql://postgres@127.0.0.1:{port}/{database}",
            autocommit=True,
            prepare_threshold=None,
        )

    def answers():
        with suppress(psycopg.Error), connect():
            return True

    until(answers)
    connect.url = f"postgresql://postgres@127.0.0.1:{port}/hybrid_ai"
    connect.direct_url = _cluster.url
    yield connect
    child.kill()
    shutil.rmtree(folder)


@pytest.mark.feature("F226", "F227", "F228")
def test_the_pooler_has_the_documented_limits_and_shares_connections_by_transaction(pooler):
    given = configparser.ConfigParser()
    given.read(ROOT / "deploy/postgresql/pgbouncer.ini")
    limits = {"pool_mode": "transaction", "max_client_conn": "1000", "default_pool_size": "50"}
    assert limits.items() <= dict(given["pgbouncer"]).items()
    with pooler("pgbouncer") as admin:
        shown = {row[0]: row[1] for row in admin.execute("SHOW CONFIG").fetchall()}
    assert limits.items() <= shown.items()
    clients = [pooler() for _ in range(60)]
    try:
        pids = {client.execute("SELECT pg_backend_pid()").fetchone()[0] for client in clients}
        assert len(pids) < 5, "clients without a transaction share few connections"
    finally:
        for client in clients:
            client.close()


def test_stores_and_keys_work_through_a_pooler_that_lends_a_connection_a_transaction(
    pooler,
):
    clock = FakeClock()

    def process():
        server = PostgresServer(
            pooler.url, direct_url=pooler.direct_url, pool_size=4, allow_unsafe=True
        )
        database = PostgresDatabase(server, "state", ("state",))
        audit = Audit(database, clock)
        return database, audit, Keys(database, clock, audit, shared=True)

    def work(audit, keys, key):
        for number in range(15):
            audit.append("a", "b", str(number))
            assert keys.authenticate(key).name == "ci"

    databases, audits, keys = zip(*(process() for _ in range(2)), strict=True)
    try:
        key = keys[0].create("ci", Role.READER, actor="test")
        with ThreadPoolExecutor(8) as pool:
            calls = [
                pool.submit(work, audits[number % 2], keys[number % 2], key) for number in range(8)
            ]
            for call in calls:
                call.result(120)
        verdict = audits[1].verify()
        assert (verdict.problems, audits[1].recent(1)[0].seq) == ((), 8 * 15 + 1)
        keys[0].revoke("ci", actor="test")
        with pytest.raises(Unauthenticated):
            keys[1].authenticate(key)
    finally:
        for database in databases:
            database.close()
        with psycopg.connect(pooler.direct_url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA state CASCADE")


@pytest.mark.feature("F229")
def test_every_query_of_the_exporter_returns_data(world, tmp_path):
    path = program("prometheus-postgres-exporter", "prometheus-postgres-exporter")
    parts = list(yaml.safe_load_all((ROOT / "monitoring/postgres-exporter.yaml").read_text()))
    assert [part["kind"] for part in parts] == ["ConfigMap", "Deployment", "Service"]
    container = parts[1]["spec"]["template"]["spec"]["containers"][0]
    (argument,) = container["args"]
    text = parts[0]["data"]["queries.yaml"]
    assert argument == "--extend.query-path=/etc/postgres-exporter/queries.yaml"
    (tmp_path / "queries.yaml").write_text(text)
    port = free_port()
    words = [
        f"--extend.query-path={tmp_path}/queries.yaml",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    child = ChildProcess(
        [path, *words],
        env={"DATA_SOURCE_NAME": f"{world.cluster.url}?sslmode=disable"},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        got = {}

        def scraped():
            with suppress(httpx.HTTPError):
                got["text"] = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
                return "pg_up 1" in got["text"]

        until(scraped)
    finally:
        child.kill()
    queries = yaml.safe_load(text)
    for name, query in queries.items():
        for metric in query["metrics"]:
            (column,) = metric
            lines = [
                line for line in got["text"].splitlines() if line.startswith(f"{name}_{column}")
            ]
            assert lines, (name, column)
    assert "pg_trimtab_connections_max" in got["text"]


def test_the_manifest_of_the_standby_has_two_instances():
    (cluster,) = yaml.safe_load_all((ROOT / "deploy/kubernetes/postgres-replica.yaml").read_text())
    assert (cluster["kind"], cluster["metadata"]["name"]) == ("Cluster", "postgres-replica")
    assert cluster["apiVersion"] == "postgresql.cnpg.io/v1"
    assert cluster["spec"]["instances"] == 2
