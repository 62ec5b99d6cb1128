"""A machine that refuses: every command says what is wrong and the next step, and leaves nothing behind."""

import os
import pty
import signal
import socket
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.full_disk import fill, small_file_system
from tests.processes import COMMAND, clean_environment, run, run_in, start, with_models

pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.
TRACES = ("Traceback", "Exception ignored", "BrokenPipeError")


def clean(text):
    return [trace for trace in TRACES if trace in text] == []


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "docs"
    made.mkdir()
    (made / "rudder.txt").write_text("The trimtab turns the rudder with little force.\n")
    return made


# --- what the machine refuses -----------------------------------------------------------------


@pytest.mark.parametrize("port", [None, 65535])
def test_a_taken_port_names_another_and_nothing_was_made(tmp_path, port):
    with socket.create_server(("127.0.0.1", port or 0)) as taken:
        number = taken.getsockname()[1]
        done = run_in(tmp_path, "serve", "--port", str(number), "--data-dir", str(tmp_path / "new"))
    assert done.code == 2
    assert f"--port {8001 if number == 65535 else number + 1}" in done.err
    assert clean(done.err)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("words", [("serve", "--port", "0"), ("ingest", "p", "docs")])
def test_a_data_directory_that_cannot_be_made_says_so(tmp_path, folder, words):
    done = run_in(tmp_path, "--data-dir", "/proc/no/such", *words)
    assert done.code == 2
    assert "--data-dir" in done.err
    assert clean(done.err)


@pytest.mark.parametrize("words", [("serve", "--port", "0"), ("ingest", "p", "docs")])
def test_a_full_disk_says_what_to_free_and_keeps_what_is_there(tmp_path, folder, words):
    with small_file_system(tmp_path / "small", 4) as small:
        data = small / "data"
        data.mkdir(mode=0o700)
        (data / "mine.txt").write_text("keep")
        fill(small)
        done = run_in(tmp_path, "--data-dir", str(data), *words)
        assert done.code == 1
        assert "needed to start" in done.err
        assert "Next:" in done.err
        assert clean(done.err)
        assert (data / "mine.txt").read_text() == "keep"


def test_an_output_file_on_a_full_disk_says_so(data_dir, tmp_path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [COMMAND, "--data-dir", data_dir, "settings"],
            stdout=full, stderr=subprocess.PIPE, text=True, env=clean_environment(), check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert clean(done.stderr)


def test_without_a_network_documents_are_read_and_asked(data_dir, folder):
    script = "\n".join(
        [
            "set -e",
            "ip link set lo up",
            f'"{COMMAND}" --data-dir "{data_dir}" ingest p "{folder}"',
            f'"{COMMAND}" --data-dir "{data_dir}" ask p "What turns the rudder?"',
        ]
    )
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", script],
        capture_output=True, text=True, env=clean_environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "The trimtab turns the rudder" in done.stdout
    assert clean(done.stderr)


def test_a_home_that_cannot_be_written_changes_nothing(data_dir):
    home = {"HOME": "/proc", "XDG_STATE_HOME": "/proc/state", "XDG_CONFIG_HOME": "/proc/config"}
    service = start(data_dir, **home)
    try:
        assert run(data_dir, "status", **home).code == 0
    finally:
        assert service.stop() == 0
    assert clean("".join(service.said))
    done = run(data_dir, "status", **home)
    assert (done.code, clean(done.err)) == (6, True)


@pytest.mark.parametrize(
    "words", [("--help",), ("gates", "matrix"), ("settings",), ("serve", "-h")]
)
def test_a_terminal_without_unicode_gets_other_characters(data_dir, words):
    done = run(data_dir, *words, LANG="C", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.code == 0
    assert done.out.isascii()
    assert clean(done.err)


@pytest.mark.parametrize(
    "text", ["--help", "settings", "settings --json", "gates matrix", "knowledge schema", "logs"]
)
@pytest.mark.parametrize("reader", ["head -n 1", "true"])
def test_an_output_that_is_closed_early_ends_the_command_quietly(data_dir, text, reader):
    done = subprocess.run(
        ["bash", "-c", f'"{COMMAND}" --data-dir "{data_dir}" {text} | {reader}'],
        capture_output=True, text=True, env=clean_environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert clean(done.stderr)
    assert done.stderr == ""


# --- Ctrl-C -----------------------------------------------------------------------------------


def interrupted_when(words, cwd, seen, **environment):
    """Start the command, send Ctrl-C as soon as its output has the words, return output and code."""
    process = subprocess.Popen(
        [COMMAND, *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        cwd=cwd, env=clean_environment(**environment), start_new_session=True,
    )  # fmt: skip
    said, sent = [], False
    try:
        for line in process.stdout:
            said.append(line)
            if not sent and seen in line:
                sent = True
                family = psutil.Process(process.pid).children(recursive=True)
                os.killpg(process.pid, signal.SIGINT)
        code = process.wait(120)
    finally:
        process.kill()
        process.wait()
    assert sent, "".join(said)
    _, alive = psutil.wait_procs(family, 30)
    assert alive == []
    return "".join(line for line in said if not line.startswith("import time:")), code


IMPORTS = (
    "trimtab.cli.runtime.errors",
    "trimtab.cli.service",
    "trimtab.infra.settings.table",
    "trimtab.kernel.module",
    "sqlalchemy.engine",
    "fastapi.routing",
    "trimtab.knowledge.service",
    "trimtab.app.application",
)


@pytest.mark.parametrize("module", IMPORTS)
def test_ctrl_c_while_serve_starts_leaves_no_trace_and_the_next_start_works(
    tmp_path, models, module
):
    data = with_models(tmp_path / "data", models)
    state = tmp_path / "state"
    said, code = interrupted_when(
        ("--data-dir", data, "serve", "--port", "0"),
        tmp_path,
        f" {module}\n",
        PYTHONPROFILEIMPORTTIME="1",
        XDG_STATE_HOME=str(state),
    )
    assert code == 130, said
    assert clean(said), said
    assert not any(state.rglob("running/*"))


@pytest.mark.parametrize("moment", ["embedding_model loaded", "Console:", "handbook ready"])
def test_ctrl_c_later_closes_what_was_opened(tmp_path, models, moment):
    data = with_models(tmp_path / "data", models)
    state = tmp_path / "state"
    words = ("--data-dir", data, "serve", "--port", "0")
    said, code = interrupted_when(words, tmp_path, moment, XDG_STATE_HOME=str(state))
    assert code in (0, 130), said
    assert clean(said), said
    assert not any(state.rglob("running/*"))
    again = start(data)
    assert again.stop() == 0
    assert clean("".join(again.said))


@pytest.mark.parametrize(
    "module", ["trimtab.cli.knowledge.ingest", "fastapi.routing", "ctranslate2"]
)
def test_ctrl_c_while_documents_are_sent_leaves_whole_documents_or_none(data_dir, folder, module):
    words = ("--data-dir", data_dir, "ingest", "p", str(folder))
    said, code = interrupted_when(words, folder.parent, f" {module}\n", PYTHONPROFILEIMPORTTIME="1")
    assert code == 130, said
    assert clean(said), said
    done = run(data_dir, "ingest", "p", str(folder), "--json")
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    "moment", ["runs 5 times", "The console is at", "in the project", "What happens"]
)
def test_ctrl_c_in_the_demo_leaves_no_process_and_no_folder(tmp_path, moment):
    home = tmp_path / "home"
    home.mkdir()
    said, code = interrupted_when(
        ("--set", "service.port=0", "demo", "--yes"),
        tmp_path,
        moment,
        TMPDIR=str(home),
        HOME=str(home),
    )
    assert code == 130, said
    assert clean(said), said
    assert [entry.name for entry in home.iterdir() if "demo" in entry.name] == []


# --- a person at the terminal -----------------------------------------------------------------


def test_at_a_terminal_the_start_shows_its_progress_and_one_link(tmp_path, models):
    data = with_models(tmp_path / "data", models)
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, "--data-dir", data, "serve", "--port", "0"],
        stdin=follower, stdout=follower, stderr=follower, cwd=tmp_path, env=clean_environment(),
    )  # fmt: skip
    os.close(follower)
    said, stopped = "", False
    try:
        while True:
            try:
                said += os.read(leader, 4096).decode(errors="replace")
            except OSError:
                break
            if not stopped and "handbook ready" in said:
                stopped = True
                process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, said
    finally:
        os.close(leader)
        process.kill()
        process.wait()
    assert said.startswith("Starting trimtab")
    assert said.count("http://") == 1, said
    assert "/console/login#token=" in said
    assert '{"time"' not in said
    assert "Ctrl-C stops it" in said
    assert clean(said)
    assert (data / "logs").is_dir()
