"""The wheel: built, installed into an empty environment by `uv pip` and by `uv tool`, and run from an empty folder."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import clean_environment, models, start, with_models  # noqa: F401 - a fixture.

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
LOCK = ROOT / "requirements" / "runtime.lock"
pytestmark = pytest.mark.timeout(1800)  # A hundred packages are unpacked, maybe on a busy machine.


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
    options = ("--python", sys.executable, "--constraints", LOCK)
    done(BIN / "uv", "tool", "install", "--quiet", *options, wheel, cwd=folder, **places)
    return folder / "bin" / "trimtab"


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Return the `trimtab` of an empty environment into which `uv pip` installed the wheel."""
    folder = tmp_path_factory.mktemp("empty")
    done(BIN / "uv", "venv", "--quiet", "--python", sys.executable, "env", cwd=folder)
    options = ("--python", "env/bin/python", "--constraints", LOCK)
    done(BIN / "uv", "pip", "install", "--quiet", *options, wheel, cwd=folder)
    return folder / "env" / "bin" / "trimtab"


def test_the_wheel_has_the_pages_the_rules_and_the_vectors(wheel):
    names = done(sys.executable, "-m", "zipfile", "-l", wheel, cwd=ROOT)
    for part in (
        *("library/knowledge-backup.md", "docs/start.md", "rules/", "handbook_vectors.npz"),
        "deploy/kubernetes/base/deployment.yaml",
        "deployments/kubernetes/chromadb-service.yaml",
    ):
        assert part in names, part


@pytest.mark.parametrize("how", ["tool", "installed"])
def test_the_installed_command_knows_its_version_and_its_commands(request, how, tmp_path):
    trimtab = request.getfixturevalue(how)
    assert done(trimtab, "--version", cwd=tmp_path) == "trimtab 0.1.0\n"
    assert "serve" in done(trimtab, "--help", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_installed_library_has_only_pages_that_load_and_name_what_exists(installed, tmp_path):
    data = ("--data-dir", tmp_path / "data")
    done(installed, *data, "projects", "create", "p", cwd=tmp_path)
    pages = json.loads(done(installed, *data, "runbooks", "lint", "--json", cwd=tmp_path))["pages"]
    assert len(pages) > 10
    assert [page["path"] for page in pages if not page["ok"] or page["claims"]] == []


def test_the_first_question_is_answered_from_the_manual_in_the_wheel(
    installed,
    models,  # noqa: F811
    tmp_path,
):
    service = start(with_models(tmp_path / "data", models), command=(installed,))
    try:
        service.wait_for("handbook ready")
        question = "What happens to queries when the embedding model is down?"
        said = done(
            installed, "--data-dir", service.data_dir, "ask", "handbook", question, cwd=tmp_path
        )
    finally:
        assert service.stop() == 0
    assert re.search(r"(queries|searches) continue", said, re.IGNORECASE), said
    assert ".md" in said


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
    assert list(home.iterdir()) == []
