"""A jobs file that cannot be mended is set aside: what the jobs are for stands elsewhere."""

import pytest

from trimtab.infra.jobs.durable import DurableJobs
from trimtab.kernel.clock import SystemClock


def worked(file):
    """Launch jobs on the file, do one, and return its result."""
    jobs = DurableJobs(file, SystemClock())
    try:
        jobs.register("echo", lambda run, given: run.step("say", lambda: given["say"]))
        jobs.launch()
        jobs.start("echo", "one", {"say": "hello"})
        return jobs.wait("one")
    finally:
        jobs.close()


@pytest.mark.timeout(120)
def test_a_damaged_jobs_file_is_kept_and_the_jobs_begin_anew(tmp_path, caplog):
    file = tmp_path / "jobs.db"
    assert worked(file) == "hello"
    data = bytearray(file.read_bytes())
    data[8192:12288] = bytes(4096)
    file.write_bytes(data)
    assert worked(file) == "hello"
    (kept,) = tmp_path.glob("corrupted_*_jobs.db")
    assert kept.read_bytes() == data
    assert "the jobs start again with a new file" in caplog.text


@pytest.mark.timeout(120)
def test_a_changed_byte_in_the_jobs_file_is_put_right(tmp_path, caplog):
    file = tmp_path / "jobs.db"
    assert worked(file) == "hello"
    data = bytearray(file.read_bytes())
    data[9000] ^= 0x20
    file.write_bytes(data)
    assert worked(file) == "hello"
    assert "changed bytes in jobs.db were repaired" in caplog.text
    assert not list(tmp_path.glob("corrupted_*"))


@pytest.mark.timeout(120)
def test_a_jobs_file_that_is_gone_is_said(tmp_path, caplog):
    file = tmp_path / "jobs.db"
    assert worked(file) == "hello"
    file.unlink()
    assert worked(file) == "hello"
    assert "acknowledged changes of jobs.db are missing" in caplog.text
