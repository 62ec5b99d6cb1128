"""The wheel: built, installed into an empty environment as `uv tool install` does it, and run from an empty folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import clean_environment

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
pytestmark = pytest.mark.timeout(900)  # A hundred packages are unpacked.


def done(*command, cwd, **environment):
    found = subprocess.run(
        [str(word) for word in command],
        capture_output=True, text=True, cwd=cwd, env=clean_environment(**environment), check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    done(BIN / "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def tool(wheel, tmp_path_factory):
    """Return the `trimtab` of a `uv tool install` with the locked versions, and nothing else of ours."""
    folder = tmp_path_factory.mktemp("tool")
    places = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    options = ("--python", sys.executable, "--constraints", ROOT / "requirements" / "runtime.lock")
    done(BIN / "uv", "tool", "install", "--quiet", *options, wheel, cwd=folder, **places)
    return folder / "bin" / "trimtab"


def test_the_wheel_has_the_pages_the_rules_and_the_vectors(wheel):
    names = done(sys.executable, "-m", "zipfile", "-l", wheel, cwd=ROOT)
    for part in ("library/knowledge-backup.md", "docs/start.md", "rules/", "handbook_vectors.npz"):
        assert part in names, part


def test_the_installed_tool_knows_its_version_and_its_commands(tool, tmp_path):
    assert done(tool, "--version", cwd=tmp_path) == "trimtab 0.1.0\n"
    assert "serve" in done(tool, "--help", cwd=tmp_path)
    assert json.loads(done(tool, "runbooks", "lint", "--json", cwd=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_demo_runs_from_the_installed_tool_in_an_empty_home(tool, tmp_path):
    home, place = tmp_path / "home", tmp_path / "place"
    home.mkdir()
    place.mkdir()
    said = done(
        tool, "--set", "service.port=0", "demo", "--yes", "--json",
        cwd=place, HOME=str(home), TMPDIR=str(home),
    )  # fmt: skip
    last = json.loads(said.splitlines()[-1])
    assert (last["answers"], last["state"]) == (3, "resolved")
    assert list(place.iterdir()) == []
    assert [entry.name for entry in home.iterdir() if "demo" in entry.name] == []
