"""A machine that refuses: every command says what is wrong and the next step, and leaves nothing behind."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.full_disk import fill, small_file_system
from tests.processes import COMMAND, clean_environment, run, run_in, start

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


def test_a_demo_without_space_says_what_to_free_and_leaves_nothing(tmp_path):
    with small_file_system(tmp_path / "small", 4) as small:
        done = run_in(tmp_path, "--set", "service.port=0", "demo", "--yes", TMPDIR=str(small))
        assert done.code == 1
        assert "needed to start" in done.err
        assert clean(done.err)
        assert list(small.iterdir()) == []


def test_a_home_that_cannot_be_written_changes_nothing(data_dir, folder):
    home = {"HOME": "/proc", "XDG_STATE_HOME": "/proc/state", "XDG_CONFIG_HOME": "/proc/config"}
    service = start(data_dir, **home)
    try:
        assert run(data_dir, "status", **home).code == 0
        # What --prune needs is remembered in the home; without it documents are read all the same.
        done = run(data_dir, "ingest", "p", str(folder), **home)
        assert (done.code, clean(done.err)) == (0, True), done.err
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


@pytest.mark.parametrize("words", [("ask", "p"), ("projects", "create"), ("check",)])
def test_an_argument_that_is_not_text_is_named(tmp_path, words):
    odd = os.fsdecode(b"caf\xe9")
    done = run_in(tmp_path, "--url", "http://127.0.0.1:9", *words, odd)
    assert done.code == 2
    assert done.err.startswith(r"Error: The argument 'caf\\xe9' is not UTF-8.")
    assert "Next:" in done.err
