"""The bug report of the memory, on a service under locust's load."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.processes import clean_environment, data_dir, models, run, serve  # noqa: F401 - fixtures.
from trimtab.knowledge.errors import MemoryReportRunning, ProfilerMissing
from trimtab.knowledge.maintenance.memory import MemoryUsage
from trimtab.knowledge.maintenance.memory_report import MemoryReport
from trimtab.testing.clock import FakeClock

LOCUSTFILE = Path(__file__).parents[3] / "benchmarks" / "locustfile.py"
REQUESTS = 40


@pytest.fixture
def report(tmp_path):
    clock = FakeClock()
    return MemoryReport(clock, tmp_path, MemoryUsage(clock, 1000))


def test_a_second_report_at_the_same_time_is_refused(report):
    with report._running, pytest.raises(MemoryReportRunning):
        report.write(1)


def test_without_memray_the_report_says_what_to_install(report, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "memray", None)
    with pytest.raises(ProfilerMissing) as refused:
        report.write(1)
    assert "trimtab[profile]" in refused.value.hint()
    assert list(tmp_path.iterdir()) == []


def load(url):
    """Let locust send its requests, headless; return its figures by the name of the request."""
    command = [sys.executable, "-m", "locust", "-f", LOCUSTFILE, "--headless", "--json"]
    command += ["-u", "2", "-r", "2", "--host", url, "--requests", str(REQUESTS)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment()
    )


@pytest.mark.timeout(900)
@pytest.mark.feature("F579", "F580", "F588", "F589")
def test_a_copy_under_load_is_profiled_into_one_bug_report(serve, data_dir):  # noqa: F811
    secret = "hooks.example/very-secret"
    service = serve("--set", f"notify.webhook_url=https://{secret}")
    locust = load(service.url)
    done = run(data_dir, "--json", "profile", "memory", "--seconds", "3")
    out, err = locust.communicate(timeout=600)
    assert locust.returncode == 0, err
    figures = {each["name"]: each for each in json.loads(out)}
    assert set(figures) == {"search", "ask", "health"}
    assert sum(each["num_requests"] for each in figures.values()) >= REQUESTS
    assert [each["num_failures"] for each in figures.values()] == [0, 0, 0]
    assert done.code == 0, done.err
    archive = data_dir / done.json["file"]
    assert archive.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(archive) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    assert set(files) == {"about.txt", "capture.bin", "flamegraph.html", "heap_dump.txt"}
    assert b"memray" in files["capture.bin"][:64]
    assert b"trimtab/" in files["flamegraph.html"]
    assert b"type count bytes" in files["heap_dump.txt"]
    assert not [name for name, content in files.items() if secret.encode() in content]
