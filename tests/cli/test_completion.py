"""Completion of commands, as a shell runs it."""

import subprocess

import pytest

from tests.processes import COMMAND, clean_environment

SCRIPT = """
set -u
source <("$1" completion bash)
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
COMPREPLY=()
_trimtab_completion "$1"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(words, **environment):
    done = subprocess.run(
        ["bash", "--norc", "-c", SCRIPT.format(words=words), "bash", COMMAND],
        capture_output=True, text=True, env=clean_environment(**environment), check=False,
    )  # fmt: skip
    return done.stdout.split(), done.stderr


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("trimtab inc", ["incidents"]),
        ("trimtab keys r", ["review", "revoke", "rotate"]),
        ("trimtab gates manifest ''", ["create", "list", "show"]),
        ("trimtab ask --jso", ["--json"]),
    ],
)
def test_bash_completes_commands_and_options(words, found):
    out, err = completed(words)
    assert (sorted(out), err) == (found, "")


def test_completing_a_name_imports_no_command():
    out, err = completed("trimtab s", PYTHONPROFILEIMPORTTIME="1")
    assert {"serve", "status", "search", "settings"} == set(out)
    imported = {line.rpartition("|")[2].strip() for line in err.splitlines()}
    assert "trimtab.cli.main" in imported
    assert {"trimtab.cli.service", "trimtab.cli.knowledge.search"} & imported == set()


@pytest.mark.parametrize(("shell", "word"), [("zsh", "compdef"), ("fish", "complete --command")])
def test_other_shells_get_their_script(trimtab, shell, word):
    done = trimtab("completion", shell)
    assert done.code == 0
    assert word in done.out
    assert "_TRIMTAB_COMPLETE" in done.out


def test_an_unknown_shell_names_the_known_ones(trimtab):
    done = trimtab("completion", "csh")
    assert done.code == 2
    assert "fish" in done.err
