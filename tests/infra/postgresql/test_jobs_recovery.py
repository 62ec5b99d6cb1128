"""Durable jobs on a real PostgreSQL: what a killed process began, another ends."""

import signal
import subprocess
import sys

import pytest

from trimtab.infra.jobs.stores import PostgresJobStore
from trimtab.kernel.errors import Unavailable

COMMAND = (sys.executable, "-m", "tests.infra.postgresql.jobs_process")


def process(*words):
    return subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, text=True)


@pytest.mark.timeout(180)
def test_another_process_ends_the_job_of_a_killed_one(postgres, tmp_path):
    url, noted = postgres.server().url, str(tmp_path / "noted")
    with process(url, "a", noted, "start") as first:
        assert first.stdout.readline() == "ready\n"
        first.send_signal(signal.SIGKILL)
    with process(url, "b", noted, "recover", "a") as second:
        said = second.stdout.read().split("\n")
    assert said == ["ready", "1", "second 0", ""]
    assert (tmp_path / "noted").read_text() == "a first\nb second\n"


@pytest.mark.timeout(180)
def test_a_start_takes_no_work_from_a_process_that_lives(postgres, tmp_path):
    url, noted = postgres.server().url, str(tmp_path / "noted")
    with process(url, "a", noted, "start") as first:
        assert first.stdout.readline() == "ready\n"
        with process(url, "b", noted, "recover", "nobody") as second:
            assert second.stdout.readline() == "ready\n"
            said = second.stdout.read().split("\n")
        first.kill()
    assert said == ["0", "second 0", ""]
    assert (tmp_path / "noted").read_text() == "a first\na second\n"


def test_a_closed_store_lets_a_waiting_thread_end(postgres):
    store = PostgresJobStore(postgres.server())
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    store.close()
    # DBOS repeats a call after an error of the driver, for ever.
    with pytest.raises(Unavailable, match="are closed"):
        store.engine.connect()
