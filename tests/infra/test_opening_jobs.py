import threading

import pytest

from trimtab.infra.jobs.durable import DurableJobs
from trimtab.infra.jobs.opening import JobsNotOpen, OpeningJobs
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.health import Status
from trimtab.testing.jobs import JobsContract


class TestOpeningJobs(JobsContract):
    @pytest.fixture
    def jobs(self, tmp_path):
        jobs = OpeningJobs(lambda: DurableJobs(tmp_path / "jobs.db", SystemClock()))
        yield jobs
        jobs.close()


def test_launch_returns_before_the_engine_is_open_and_a_start_waits_for_it(tmp_path):
    may_open, opened = threading.Event(), threading.Event()

    def make():
        may_open.wait(30)
        return DurableJobs(tmp_path / "jobs.db", SystemClock())

    jobs = OpeningJobs(make)
    jobs.register("work", lambda run, given: run.step("s", lambda: given["x"]))
    jobs.launch(then=opened.set)
    assert jobs.health().facts == {"open": False}

    starting = threading.Thread(target=jobs.start, args=("work", "a", {"x": 5}))
    starting.start()
    may_open.set()
    starting.join(30)
    assert jobs.wait("a") == 5
    assert opened.wait(30)
    assert jobs.health().facts == {"open": True}
    jobs.close()


def test_an_engine_that_does_not_open_is_down_and_says_why():
    def make():
        raise OSError("no such file")

    jobs = OpeningJobs(make)
    jobs.launch()
    with pytest.raises(JobsNotOpen, match="OSError: no such file"):
        jobs.wait("a")
    assert jobs.health().status is Status.DOWN
    jobs.close()


def test_a_process_that_runs_no_jobs_refuses_at_once():
    with pytest.raises(JobsNotOpen, match="No jobs run in this process"):
        OpeningJobs(lambda: pytest.fail("opened")).status("a")
