"""Every command of the gates has the name that pipelines and pages use."""

from collections.abc import Iterator
from pathlib import Path

import typer

from trimtab.cli.gates import app


def names(group, before="") -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from names(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def test_no_command_was_renamed_lost_or_added_unnoticed():
    kept = (Path(__file__).parent / "commands.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(names(typer.main.get_command(app))) == sorted(kept)
