"""What a person at a terminal sees: progress, one link, colours; and what a pipe does not get."""

import os
import pty
import re
import select
import signal
import subprocess

import pytest

from tests.processes import COMMAND, clean_environment, run_in, with_models

pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.
AGAIN = 20
"""Seconds without output after which Ctrl-C is pressed once more."""
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|9[0-7])(?:;\d+)*m")


def at_a_terminal(words, cwd, text="", *, answer="", **environment):
    """Run the command at a terminal; when it has printed the text, answer or press Ctrl-C; return output and code."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, *words], stdin=follower, stdout=follower, stderr=follower, cwd=cwd,
        env=clean_environment(TERM="xterm-256color", **environment),
    )  # fmt: skip
    os.close(follower)
    said, reacted, interrupted = "", not text, False
    try:
        while True:
            if interrupted and not select.select([leader], [], [], AGAIN)[0]:
                # CPython misses a signal in the instant before it begins to wait for a line; people press the key again.
                process.send_signal(signal.SIGINT)
                continue
            try:
                said += os.read(leader, 4096).decode(errors="replace")
            except OSError:  # The terminal has no other end any more.
                break
            if not reacted and text in said:
                reacted = True
                if answer:
                    os.write(leader, answer.encode())
                else:
                    process.send_signal(signal.SIGINT)
                    interrupted = True
        return said, process.wait(60)
    finally:
        os.close(leader)
        process.kill()
        process.wait()


def test_the_start_shows_its_progress_and_one_link(tmp_path, models):
    data = with_models(tmp_path / "data", models)
    words = ("--data-dir", data, "serve", "--port", "0")
    said, code = at_a_terminal(words, tmp_path, "handbook ready")
    assert code == 0, said
    assert said.startswith("Starting trimtab")
    assert said.count("http://") == 1, said
    assert "/console/login#token=" in said
    assert '{"time"' not in said
    assert "Ctrl-C stops it" in said
    assert "Traceback" not in said
    assert (data / "logs").is_dir()


@pytest.mark.parametrize("words", [("--help",), ("ask", "--help"), ("no-such-command",)])
def test_colours_are_for_terminals_and_can_be_turned_off(tmp_path, words):
    said, _ = at_a_terminal(words, tmp_path)
    assert COLOUR.search(said)
    said, _ = at_a_terminal(words, tmp_path, NO_COLOR="1")
    assert not COLOUR.search(said)
    piped = run_in(tmp_path, *words)
    assert "\x1b" not in piped.out + piped.err


def test_a_question_that_is_declined_or_interrupted_changes_nothing(tmp_path, models):
    data = with_models(tmp_path / "data", models)
    assert run_in(tmp_path, "--data-dir", data, "projects", "create", "p").code == 0
    words = ("--data-dir", data, "projects", "delete", "p")
    said, code = at_a_terminal(words, tmp_path, "[y/N]", answer="n\n")
    assert code == 3, said
    assert "Nothing was changed" in said
    said, code = at_a_terminal(words, tmp_path, "[y/N]")
    assert code == 130, said
    assert "Traceback" not in said
    listed = run_in(tmp_path, "--data-dir", data, "projects", "list", "--json")
    assert [found["name"] for found in listed.json["projects"]] == ["p"]
