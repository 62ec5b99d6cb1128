"""The scripts of the shipped StatefulSets make a streaming standby of a real server."""

import os
import shutil
import subprocess

import psycopg
import pytest

from tests.postgresql.cluster import Cluster, as_server
from tests.postgresql.test_signals import until
from trimtab.kubernetes.deployment import Deployment, render

PASSWORD = "replica-password"
OBJECTS = {
    (each["kind"], each["metadata"]["name"]): each
    for each in render(Deployment(namespace="hybrid-ai", scale=True))
}


def run_script(script, cluster, **environment):
    """Run a script of the manifests as the server's user; return how it ended."""
    path = f"{cluster.binaries}:{os.environ['PATH']}"  # noqa: TID251 - for a program.
    words = as_server("env", *(f"{name}={value}" for name, value in environment.items()))
    return subprocess.run(
        [*words, f"PATH={path}", f"PGDATA={cluster.data}", "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )


class Replica(Cluster):
    """The standby that the manifest makes of a primary."""

    def __init__(self, primary):
        self._primary = primary
        super().__init__(primary.binaries)

    def copy(self):
        pod = OBJECTS["StatefulSet", "postgresql-replica"]["spec"]["template"]["spec"]
        (container,) = pod["initContainers"]
        assert {each["name"] for each in container["env"]} == {
            *("PGHOST", "PGUSER", "PGPASSWORD", "POD_NAME"),
        }
        return run_script(
            container["command"][-1],
            self,
            PGHOST="127.0.0.1",
            PGPORT=self._primary.port,
            PGUSER="trimtab",
            PGPASSWORD=PASSWORD,
            POD_NAME="postgresql-replica-0",
        )

    def make(self):
        done = self.copy()
        if done.returncode != 0:
            shutil.rmtree(self.folder)
            raise AssertionError(done.stderr)


@pytest.fixture
def primary():
    """Return a server that lets in the same as the image's: every user by password, and no replica."""
    made = Cluster()
    made.start()
    with made.connect() as connection:
        connection.execute(f"CREATE ROLE trimtab SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
    rules = "host all postgres 127.0.0.1/32 trust\nhost all all all scram-sha-256\n"
    (made.data / "pg_hba.conf").write_text(rules)
    reload(made)
    yield made
    made.close()


def reload(cluster):
    with cluster.connect() as connection:
        connection.execute("SELECT pg_reload_conf()")


def allow_replication(primary):
    script = OBJECTS["ConfigMap", "postgresql-scripts"]["data"]["allow-replication.sh"]
    assert run_script(script, primary, POSTGRES_USER="trimtab").returncode == 0
    reload(primary)


def streaming(primary):
    query = "SELECT state FROM pg_stat_replication WHERE application_name = 'postgresql-replica-0'"
    with primary.connect() as connection:
        return connection.execute(query).fetchall() == [("streaming",)]


@pytest.mark.feature("F313")
def test_the_replica_copies_the_primary_and_follows_it(primary):
    allow_replication(primary)
    with primary.connect() as writer:
        writer.execute("CREATE TABLE analysis_results AS SELECT 1 AS id")
    replica = Replica(primary)
    try:
        replica.start()
        until(lambda: streaming(primary))
        with primary.connect() as writer:
            writer.execute("INSERT INTO analysis_results VALUES (2)")
        with replica.connect() as reader:
            count = "SELECT count(*) FROM analysis_results"
            until(lambda: reader.execute(count).fetchone() == (2,))
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                reader.execute("INSERT INTO analysis_results VALUES (3)")
        before = (replica.data / "PG_VERSION").stat().st_ino
        assert replica.copy().returncode == 0, "a second start of the pod"
        assert (replica.data / "PG_VERSION").stat().st_ino == before
    finally:
        replica.close()


def test_without_the_primarys_script_no_replica_is_let_in(primary):
    with pytest.raises(AssertionError, match=r"no pg_hba\.conf entry for replication"):
        Replica(primary)
