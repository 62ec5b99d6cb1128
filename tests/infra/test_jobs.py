import subprocess
import sys

import pytest

from trimtab.infra.jobs import JobState, JobUnknown
from trimtab.infra.jobs.durable import DurableJobs
from trimtab.kernel.clock import SystemClock

PROGRAM = """
import os, sys
from pathlib import Path
from trimtab.infra.jobs.durable import DurableJobs
from trimtab.kernel.clock import SystemClock

folder, die_at = Path(sys.argv[1]), sys.argv[2]

def note(text):
    with (folder / "effects").open("a") as file:
        file.write(text + "\\n")

def effect(name):
    def do():
        note(name)
        return name
    return do

def body(run, argument):
    done = []
    for name in ("one", "two", "three"):
        if die_at == f"before {name}":
            os.kill(os.getpid(), 9)
        done.append(run.step(name, effect(name)))
        if die_at == f"after {name}":
            os.kill(os.getpid(), 9)
    done.append(run.wait_for("answer", 60))
    return done

jobs = DurableJobs(folder / "jobs.db", SystemClock())
jobs.register("work", body)
jobs.launch()
jobs.start("work", "job-1", {})
jobs.send("job-1", "answer", "yes", idempotency_key="k")
print(jobs.wait("job-1"))
jobs.close()
"""


@pytest.fixture
def jobs(tmp_path):
    jobs = DurableJobs(tmp_path / "jobs.db", SystemClock(rate=50))
    yield jobs
    jobs.close()


def _run(folder, die_at):
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(folder), die_at]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("die_at", ["before one", "after one", "before three", "after three"])
def test_a_killed_job_goes_on_and_does_each_step_once(tmp_path, die_at):
    assert _run(tmp_path, die_at).returncode == -9
    done = _run(tmp_path, "never")
    assert done.stdout.strip() == "['one', 'two', 'three', 'yes']", done.stderr
    assert (tmp_path / "effects").read_text().split() == ["one", "two", "three"]


def test_starting_twice_runs_once(jobs):
    runs = []
    jobs.register("work", lambda run, _argument: run.step("s", lambda: runs.append(1)))
    jobs.launch()
    jobs.start("work", "a", {})
    jobs.start("work", "a", {})
    jobs.wait("a")
    assert runs == [1]


def test_waiting_ends_with_nothing_after_its_time(jobs):
    jobs.register("work", lambda run, _argument: run.wait_for("never", 10))
    jobs.launch()
    jobs.start("work", "a", {})
    assert jobs.wait("a") is None


def test_a_failed_job_says_so(jobs):
    def body(_run, _argument):
        raise ValueError("no luck")

    jobs.register("work", body)
    jobs.launch()
    jobs.start("work", "a", {})
    with pytest.raises(ValueError, match="no luck"):
        jobs.wait("a")
    status = jobs.status("a")
    assert (status.state, status.kind, status.error) == (
        JobState.FAILED,
        "work",
        "ValueError: no luck",
    )


def test_unknown_jobs_and_kinds_are_refused(jobs):
    jobs.launch()
    for call in (
        lambda: jobs.status("none"),
        lambda: jobs.send("none", "t", 1),
        lambda: jobs.wait("none"),
        lambda: jobs.start("none", "a", {}),
    ):
        with pytest.raises(JobUnknown):
            call()


def test_a_step_may_start_another_job(jobs):
    done = []
    jobs.register("inner", lambda run, _argument: run.step("s", lambda: done.append(1)))
    jobs.register(
        "outer", lambda run, _argument: run.step("s", lambda: jobs.start("inner", "b", {}))
    )
    jobs.launch()
    jobs.start("outer", "a", {})
    jobs.wait("a")
    jobs.wait("b")
    assert done == [1]
