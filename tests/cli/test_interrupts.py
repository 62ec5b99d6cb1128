"""Ctrl-C at any moment: the exit code is 130, nothing is printed that nobody understands, nothing stays behind."""

import _imp
import os
import signal
import subprocess

import psutil
import pytest

from tests.processes import COMMAND, clean_environment, run, start, with_models
from trimtab.cli.runtime.interrupts import imports_released

pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.
TRACES = ("Traceback", "Exception ignored", "KeyboardInterrupt", "Error")
IMPORT = "import time:"
WITH_IMPORTS = {"PYTHONPROFILEIMPORTTIME": "1"}
"""Makes Python print each module when its import has ended."""


def clean(text):
    return [trace for trace in TRACES if trace in text] == []


def interrupted_when(words, cwd, seen, *, times=1, **environment):
    """Start the command, press Ctrl-C when its output has the words; return what else it printed, and its code.

    As at a terminal, the signal goes to the whole group of processes.
    """
    process = subprocess.Popen(
        [COMMAND, *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        cwd=cwd, env=clean_environment(**environment), start_new_session=True,
    )  # fmt: skip
    said, family = [], None
    try:
        for line in process.stdout:
            if not line.startswith(IMPORT):
                said.append(line)
            if family is None and seen in line:
                family = psutil.Process(process.pid).children(recursive=True)
                for _ in range(times):
                    os.killpg(process.pid, signal.SIGINT)
        code = process.wait(120)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert family is not None, "".join(said)
    _, alive = psutil.wait_procs(family, 30)
    assert alive == []
    return "".join(said), code


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "docs"
    made.mkdir()
    (made / "rudder.txt").write_text("The trimtab turns the rudder with little force.\n")
    return made


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


# --- serve ------------------------------------------------------------------------------------

IMPORTS = (
    "trimtab.cli.runtime.errors",
    "trimtab.cli.runtime.console",
    "numpy",
    "fastapi.routing",
    "trimtab.app.application",
)


@pytest.mark.parametrize("module", IMPORTS)
def test_ctrl_c_in_the_imports_of_serve_makes_nothing(tmp_path, state, module):
    data = tmp_path / "data"
    said, code = interrupted_when(
        ("--data-dir", data, "serve", "--port", "0"), tmp_path, f" {module}\n",
        XDG_STATE_HOME=str(state), **WITH_IMPORTS,
    )  # fmt: skip
    assert (code, said) == (130, "")
    assert not data.exists()
    assert not state.exists()


@pytest.mark.parametrize("moment", ["embedding_model loaded", "Console:", "handbook ready"])
def test_ctrl_c_later_closes_what_serve_opened_and_the_next_start_works(
    tmp_path, models, state, moment
):
    data = with_models(tmp_path / "data", models)
    words = ("--data-dir", data, "serve", "--port", "0")
    said, code = interrupted_when(words, tmp_path, moment, XDG_STATE_HOME=str(state))
    assert code in (0, 130), said
    assert clean(said), said
    assert not any(state.rglob("running/*"))
    assert not (data / "control.sock").exists()
    again = start(data)
    assert again.stop() == 0
    assert clean("".join(again.said))


# --- ingest -----------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["trimtab.cli.knowledge.ingest_report", "ctranslate2"])
def test_ctrl_c_while_documents_are_sent_leaves_whole_documents_or_none(data_dir, folder, module):
    words = ("--data-dir", data_dir, "ingest", "p", str(folder))
    said, code = interrupted_when(words, folder.parent, f" {module}\n", **WITH_IMPORTS)
    assert code == 130, said
    assert clean(said), said
    done = run(data_dir, "ingest", "p", str(folder), "--json")
    assert done.code == 0, done.err


# --- demo -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "moment",
    ["runs 5 times", "The console is at", "What happens", "remove_model"],
)
def test_ctrl_c_in_the_demo_leaves_no_process_and_no_folder(tmp_path, moment):
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    said, code = interrupted_when(
        ("--set", "service.port=0", "demo", "--yes"), tmp_path, moment,
        TMPDIR=str(temporary), HOME=str(home),
    )  # fmt: skip
    assert code == 130, said
    assert clean(said), said
    assert list(temporary.iterdir()) == []
    assert list(home.iterdir()) == []


def _interrupted_in_an_import():
    _imp.acquire_lock()
    raise KeyboardInterrupt


def test_an_import_lock_that_ctrl_c_left_behind_is_released():
    with pytest.raises(KeyboardInterrupt), imports_released():
        _interrupted_in_an_import()
    assert not _imp.lock_held()
