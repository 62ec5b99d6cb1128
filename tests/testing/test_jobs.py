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
