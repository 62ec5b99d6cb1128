"""Following "Add a domain" of CONTRIBUTING.md gives a domain that the whole service knows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recipes import copy_project, follow, inserted

READ = """
from trimtab.app import build
from trimtab.infra.settings import load
import trimtab, sys
app = build(load(flags={"service.data_dir": sys.argv[1]}, environment={}))
print(trimtab.__file__, [sample.value for sample in app.catalog.signal("weather.temperature").read()])
print("weather_temperature" in {metric.name for metric in app.registry.collect()})
app.close()
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("recipe"))
    follow("Add a domain", folder)
    return folder


def run(project, *command):
    environment = {**os.environ, "PYTHONPATH": str(project / "src")}  # noqa: TID251 - for the copy.
    done = subprocess.run(
        command, check=False, cwd=project, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_signal_of_the_new_domain_is_in_the_catalog_and_in_the_metrics(project, tmp_path):
    lines = run(project, sys.executable, "-c", READ, str(tmp_path / "data")).splitlines()
    assert lines[0].startswith(str(project))
    assert lines[0].endswith("[20.0]")
    assert lines[1] == "True"


def test_the_new_domain_keeps_the_import_contracts(project):
    command = Path(sys.executable).with_name("lint-imports")
    assert "0 broken" in run(project, str(command), "--no-cache")


def test_the_new_files_pass_the_linter(project):
    run(project, sys.executable, "-m", "ruff", "check", "src/trimtab/weather", "src/trimtab/app")


def test_a_step_that_does_not_fit_the_project_fails():
    with pytest.raises(AssertionError, match="is there 0 times"):
        inserted("one\ntwo\n", " three\n+four\n")
