import inspect
import subprocess
import sys

import pytest
import typer

from trimtab.cli.main import Commands, app

TABLE = Commands.table
HEAVY = ("numpy", "httpx", "fastapi", "sqlalchemy", "trimtab.app", "trimtab.knowledge")


def modules_after(*words):
    """Return the modules that a command line has imported at its end."""
    code = f"""
import sys
sys.argv = {["trimtab", *words]!r}
from trimtab.cli import main
try:
    main()
except SystemExit:
    pass
sys.stderr.write(" ".join(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout, set(done.stderr.split())


@pytest.mark.parametrize("words", [("--help",), ("incidents", "--help"), ("knowledge", "--help")])
def test_help_imports_no_domain(words):
    out, modules = modules_after(*words)
    assert "Usage: trimtab" in out
    assert not {name for name in HEAVY if name in modules}


def test_the_list_of_commands_imports_no_command():
    out, modules = modules_after("--help")
    assert "incidents" in out
    assert not {row.module for row in TABLE.values()} & modules


def test_a_command_imports_its_own_module_alone():
    _, modules = modules_after("incidents", "--help")
    assert {row.module for row in TABLE.values()} & modules == {"trimtab.cli.incidents"}


def test_every_module_of_the_table_is_part_of_the_command_line():
    assert [row.module for row in TABLE.values() if not row.module.startswith("trimtab.cli.")] == []


@pytest.mark.parametrize("name", TABLE)
def test_each_row_leads_to_a_command_with_the_help_of_the_table(name):
    command = typer.main.get_command(app).commands[name]
    assert command.name == name
    assert inspect.cleandoc(command.help).partition("\n")[0] == TABLE[name].help


def test_an_unknown_command_suggests_near_ones(trimtab):
    done = trimtab("serv")
    assert done.code == 2
    assert "serve" in done.err
