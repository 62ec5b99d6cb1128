"""Following the recipes for a signal, action, fault, guard and gate gives working parts."""

import os
import subprocess
import sys

import pytest

from tests.recipes import copy_project, follow

TITLES = ("Add a signal", "Add an action", "Add a fault", "Add a guard", "Add a gate")
SERVICE = """
import sys
from trimtab.app import build
from trimtab.infra.settings import load
from trimtab.kernel.operable import ActionContext
app = build(load(flags={"service.data_dir": sys.argv[1]}, environment={}))
print([sample.value for sample in app.catalog.signal("guardrails.cache.verdicts").read()])
report = app.catalog.action("guardrails.report")
print(report.run({}, ActionContext("key", "test")).changes)
print(app.catalog.fault("guardrails.cache.lose").inject({}))
app.close()
"""
GUARD = """
from trimtab.guardrails.defaults import answer_guards
from trimtab.guardrails.guard import Subject
from trimtab.guardrails.rules import GuardRules
guard = next(c.guard for c in answer_guards() if c.guard.name == "length")
for size in (8_000, 8_001):
    print(guard.check(Subject("a" * size), GuardRules()).decision.value)
"""
GATE = """
import sys
from pathlib import Path
from trimtab.gates.run import Request, run
from trimtab.kernel.clock import SystemClock
root = Path(sys.argv[1])
def codes():
    verdict = run(Request(root, None, only=("changelog",)), SystemClock())
    return [finding.code for finding in verdict.findings]
print(codes())
(root / "CHANGELOG.md").write_text("# Changelog", "utf-8")
print(codes())
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("recipes"))
    for title in TITLES:
        follow(title, folder)
    return folder


def run(project, *command):
    environment = {**os.environ, "PYTHONPATH": str(project / "src")}  # noqa: TID251 - for the copy.
    done = subprocess.run(
        (sys.executable, *command),
        check=False,
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_the_new_signal_action_and_fault_are_in_the_catalog_and_work(project, tmp_path):
    lines = run(project, "-c", SERVICE, str(tmp_path / "data"))
    assert lines == ["[0.0]", "False", "{'lost': 0}"]


def test_the_new_guard_warns_only_above_its_limit(project):
    assert run(project, "-c", GUARD) == ["allow", "warn"]


def test_the_new_gate_finds_a_missing_changelog(project, tmp_path):
    assert run(project, "-c", GATE, str(tmp_path)) == ["['changelog.missing']", "[]"]


def test_the_changed_files_pass_the_linter(project):
    run(project, "-m", "ruff", "check", "src/trimtab/guardrails", "src/trimtab/gates")
