"""`make run` on a machine whose Python does not fit: it says so, and makes nothing."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOO_OLD = """#!/bin/sh
[ "$1" = --version ] && echo "Python 3.9.2" && exit 0
exit 1
"""
FITS = """#!/bin/sh
[ "$1" = -c ] && exit 0
echo "$(basename "$0") $*" >> "$0.calls"
exit 1
"""


@pytest.fixture
def make(tmp_path):
    """Run make in a copy of the project where the only programs are those of the test."""
    clone, programs = tmp_path / "clone", tmp_path / "bin"
    programs.mkdir()
    clone.mkdir()
    shutil.copy(ROOT / "Makefile", clone)
    shutil.copytree(ROOT / "requirements", clone / "requirements")
    shutil.copy(ROOT / "pyproject.toml", clone)
    for name in ("make", "basename"):
        (programs / name).symlink_to(shutil.which(name))

    def run(*words, **scripts):
        for name, script in scripts.items():
            file = programs / name.replace("_", ".")
            file.write_text(script)
            file.chmod(0o755)
        return subprocess.run(
            ["make", *words, "run"],
            capture_output=True, text=True, cwd=clone, env={"PATH": str(programs)}, check=False,
        )  # fmt: skip

    run.clone, run.programs = clone, programs
    return run


def test_a_python_that_is_too_old_is_named_before_anything_is_made(make):
    done = make(python3=TOO_OLD)
    assert done.returncode == 2
    assert "Python 3.11 to 3.13 is needed, and python3 is Python 3.9.2." in done.stderr
    assert "make PYTHON=" in done.stderr
    assert not (make.clone / ".venv").exists()


def test_a_machine_without_python_is_told_what_to_install(make):
    done = make()
    assert done.returncode == 2
    assert "Python 3.11 to 3.13 is needed, and python3 is missing." in done.stderr
    assert not (make.clone / ".venv").exists()


def test_another_python_that_fits_is_found_by_itself(make):
    done = make(python3=TOO_OLD, python3_12=FITS)
    assert "1 of 3" in done.stderr
    assert (make.programs / "python3.12.calls").read_text() == "python3.12 -m venv .venv\n"


def test_a_named_python_is_not_replaced_by_another(make):
    done = make("PYTHON=python3", python3=TOO_OLD, python3_12=FITS)
    assert done.returncode == 2
    assert "python3 is Python 3.9.2" in done.stderr


def test_nothing_in_the_project_stops_uv_from_installing_the_locked_set():
    """With --require-hashes uv refuses constraints of pyproject.toml, and pip takes minutes instead of seconds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert (
        set(project["tool"].get("uv", {})) & {"constraint-dependencies", "override-dependencies"}
        == set()
    )
