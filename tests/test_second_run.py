"""A test that failed is tried again alone, unless many failed or it fails again."""

import json

import pytest

from tests.second_run import MOST, run_again

ONCE = """
from pathlib import Path

def test_fails_once():
    mark = Path(__file__).with_suffix(".mark")
    first = not mark.exists()
    mark.touch()
    assert not first

def test_fails_always():
    assert False

def test_passes():
    pass
"""


@pytest.fixture
def record(tmp_path, monkeypatch):
    """Return a call that records tests of a file of its own as the ones that failed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    # Of the plugins only that of `-n`: to load all takes ten times as long as these tests.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "xdist.plugin")
    tests = tmp_path / "test_some.py"
    tests.write_text(ONCE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    def write(*names):
        file = tmp_path / "lastfailed"
        file.write_text(json.dumps({f"test_some.py::{name}": True for name in names}))
        return file

    return write


def test_a_test_that_passes_now_is_named_as_unreliable(record, tmp_path, capfd):
    file = record("test_fails_once")
    (tmp_path / "test_some.mark").touch()
    assert run_again(file) == 0
    assert "UNRELIABLE: test_some.py::test_fails_once failed once" in capfd.readouterr().err


def test_a_test_that_fails_again_fails_the_run(record, capfd):
    assert run_again(record("test_fails_always", "test_passes")) == 1
    errors = capfd.readouterr().err
    assert "test_some.py::test_fails_always failed again" in errors
    assert "UNRELIABLE: test_some.py::test_passes" in errors


@pytest.mark.parametrize(("count", "code"), [(0, 1), (MOST, 0), (MOST + 1, 1)])
def test_many_failures_are_not_tried_again(record, tmp_path, count, code):
    lines = [f"def test_{number}():\n    pass\n" for number in range(count)]
    (tmp_path / "test_some.py").write_text("\n".join(lines))
    assert run_again(record(*(f"test_{number}" for number in range(count)))) == code


def test_a_run_without_a_record_fails(tmp_path, capfd):
    assert run_again(tmp_path / "none") == 1
    assert "no record" in capfd.readouterr().err
