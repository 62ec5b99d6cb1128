"""`make run` on a machine whose Python does not fit: it says so, and makes nothing."""

import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOO_OLD = """#!/bin/sh
[ "$1" = --version ] && echo "Python 3.9.2" && exit 0
exit 1
"""
# These stand for a Python, which runs the command that it is to report about.
FITS = """#!/bin/sh
[ "$1" = -c ] && exit 0
case "$3" in */report_progress.py) shift 4; exec "$@";; esac
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
    for name in ("make", "basename", "ln", "mkdir", "rm", "touch"):
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


NO_INDEX = """#!/bin/sh
[ "$1" = -c ] && exit 0
case "$3" in */report_progress.py) shift 4; exec "$@";; esac
[ "$2" = venv ] && mkdir -p .venv/bin && ln -sf "$0" .venv/bin/python && exit 0
echo "ERROR: No matching distribution found for uv" >&2
exit 1
"""


@pytest.fixture
def report(tmp_path):
    """Run a command as make does; return its code and what was said. Nothing may stay in the temporary folder."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    def run(*command):
        program = ROOT / "requirements" / "report_progress.py"
        done = subprocess.run(
            [sys.executable, "-I", "-S", program, "installing", *command],
            capture_output=True, text=True, check=False, env={"TMPDIR": str(temporary), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        assert list(temporary.iterdir()) == []
        return done.returncode, done.stderr

    return run


@pytest.mark.parametrize("code", [0, 3])
def test_a_quick_command_ends_with_its_own_code_and_without_a_word(report, code):
    assert report("sh", "-c", f"exit {code}") == (code, "")


def test_a_long_command_is_reported_while_it_runs(report):
    assert report("sleep", "6") == (0, "trimtab: still installing, 5 s\n")


def test_ctrl_c_ends_the_command_at_once_and_removes_its_files(report):
    code, said = report("sh", "-c", 'touch "$TMPDIR/unpacked"; kill -INT $PPID; exec sleep 60')
    assert (code, said) == (-signal.SIGINT, "")


def test_an_installation_that_was_interrupted_begins_anew(make):
    for name in (".bootstrap", ".installing", "half"):
        (make.clone / ".venv").mkdir(exist_ok=True)
        (make.clone / ".venv" / name).touch()
    done = make(python3=NO_INDEX)
    assert "An installation was interrupted: making .venv anew" in done.stderr
    assert not (make.clone / ".venv" / "half").exists()
    assert done.stderr.index("anew") < done.stderr.index("1 of 3")


def test_packages_that_cannot_be_fetched_end_with_the_next_step(make):
    done = make(python3=NO_INDEX)
    assert done.returncode == 2
    reason, *advice = [line for line in done.stderr.splitlines() if "*** " not in line][1:]
    assert reason == "ERROR: No matching distribution found for uv"
    assert advice[0] == "trimtab: The packages could not be installed; the lines above say why."
    assert "PIP_INDEX_URL" in advice[-1]
    assert not (make.clone / ".venv" / ".bootstrap").exists()


def test_nothing_in_the_project_stops_uv_from_installing_the_locked_set():
    """With --require-hashes uv refuses constraints of pyproject.toml, and pip takes minutes instead of seconds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert (
        set(project["tool"].get("uv", {})) & {"constraint-dependencies", "override-dependencies"}
        == set()
    )
