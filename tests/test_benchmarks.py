"""The benchmarks of `make bench-...` keep up with the code that they measure."""

import json
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(file.stem for file in (ROOT / "benchmarks").glob("[a-z]*.py"))


def _python(*args, check=True):
    order = [sys.executable, "-W", "ignore", *args]
    return subprocess.run(order, cwd=ROOT, capture_output=True, text=True, check=check)


@pytest.mark.timeout(300)
def test_every_module_of_the_benchmarks_can_be_imported():
    orders = [f"import benchmarks.{name}" for name in MODULES]
    assert "import benchmarks.answers" in orders
    done = _python("-c", "\n".join(orders), check=False)
    assert done.returncode == 0, done.stderr


PARENT = """
import subprocess, time
from benchmarks.children import bound
child = subprocess.Popen(bound(["sleep", 300]))
print(child.pid, flush=True)
time.sleep(300)
"""


def test_a_server_ends_with_the_benchmark_that_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE)
    server = psutil.Process(int(parent.stdout.readline()))
    for _ in range(300):
        if server.name() == "sleep":
            break
        time.sleep(0.1)
    parent.kill()
    parent.communicate()
    assert psutil.wait_procs([server], timeout=30)[1] == []


@pytest.mark.timeout(300)
def test_what_guards_and_pipeline_cost_is_measured(tmp_path):
    text = "The pump of hall A delivers 40 litres a minute. It is checked on Mondays."
    asked = {"question": "How much does the pump of hall A deliver?", "context": text}
    for name, row in (("qa_xquad_en", asked), ("benign_alpaca", {"text": text})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    done = _python("-m", "benchmarks.answers", str(tmp_path), "--json", check=False)
    assert done.returncode in (0, 1), done.stderr  # 1: a bar is missed, on a busy machine.
    found = json.loads(done.stdout)
    assert [row["name"] for row in found] == [
        "question guards",
        "answer guards, five sentences",
        "pipeline with all guards",
        "the same, traces on disk",
        "the same, without guards",
        "extractive answer",
    ]
    assert all(row["texts"] == 1 and row["cpu_p95_ms"] > 0 for row in found)
