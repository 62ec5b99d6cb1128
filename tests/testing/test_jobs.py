import threading

import pytest

from trimtab.infra.jobs.durable import DurableJobs
from trimtab.kernel.clock import SystemClock
from trimtab.testing.clock import FakeClock
from trimtab.testing.jobs import FakeJobs, JobsContract


class TestFakeJobs(JobsContract):
    @pytest.fixture
    def jobs(self):
        return FakeJobs(FakeClock())

    def test_a_job_that_was_left_at_a_wait_is_replayed_and_runs_no_step_twice(self):
        ran = []
        jobs = FakeJobs(FakeClock())

        def body(run, given):
            run.step("first", lambda: ran.append("first"))
            run.wait_for("ear", 60)
            return run.step("second", lambda: ran.append("second"))

        jobs.register("kind", body)
        jobs.start("kind", "job", {})
        jobs.run(until=lambda: True)
        assert ran == ["first"]
        jobs.run()
        assert ran == ["first", "second"]


class TestDurableJobs(JobsContract):
    @pytest.fixture
    def jobs(self, tmp_path):
        jobs = DurableJobs(tmp_path / "jobs.db", SystemClock())
        yield jobs
        jobs.close()

    def test_closing_ends_a_waiting_body_at_once_and_the_next_start_takes_it_up(self, tmp_path):
        ran, left = [], threading.Event()

        def body(run, _given):
            run.step("before", lambda: ran.append("before"))
            try:
                said = run.wait_for("ear", 3600)
            finally:
                left.set()
            run.step("after", lambda: ran.append("after"))
            return said

        first = DurableJobs(tmp_path / "again.db", SystemClock())
        first.register("kind", body)
        first.launch()
        first.start("kind", "job", {})
        wait_until(lambda: ran == ["before"])
        first.close()
        assert left.is_set()

        second = DurableJobs(tmp_path / "again.db", SystemClock())
        second.register("kind", body)
        second.launch()
        second.send("job", "ear", "hello")
        assert second.wait("job") == "hello"
        assert ran == ["before", "after"]
        second.close()


def wait_until(found):
    deadline = SystemClock().monotonic() + 60
    clock = SystemClock()
    while not found() and clock.monotonic() < deadline:
        clock.sleep(0.01)
    assert found()
