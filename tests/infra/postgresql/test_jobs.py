"""Durable jobs in a PostgreSQL database."""

import psycopg
import pytest

from trimtab.infra.jobs.durable import DurableJobs
from trimtab.infra.storage.postgresql import PostgresServer
from trimtab.kernel.clock import SystemClock
from trimtab.testing.jobs import JobsContract


@pytest.fixture
def server(postgres):
    return postgres.server()


class TestJobsOnPostgres(JobsContract):
    @pytest.fixture
    def jobs(self, server):
        jobs = DurableJobs(server, SystemClock(), "first")
        yield jobs
        jobs.close()


def test_a_job_carries_the_id_of_the_process_that_runs_it_in_the_schema_dbos(server):
    jobs = DurableJobs(server, SystemClock(), "first")
    jobs.register("kind", lambda run, _: run.step("one", lambda: 1))
    jobs.launch()
    jobs.start("kind", "job", {})
    assert jobs.wait("job") == 1
    jobs.close()
    with psycopg.connect(server.url) as connection:
        found = connection.execute("SELECT executor_id FROM dbos.workflow_status").fetchall()
    assert found == [("first",)]


def test_the_jobs_connections_commit_durably_on_a_server_that_does_not(server):
    engine = PostgresServer(server.url, allow_unsafe=True).transaction_engine(1)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    engine.dispose()
